"""A query as the pruned search takes it: its terms from the rarest, what they may add to a score, and room to work."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from right_hf.retriever.asked import Asked, Searched
from right_hf.retriever.signatures import BITS, signature_bit

#: Postings whose bounds are formed at once.
CHUNK = 256
#: Weights are bounded for 2 to the power of this many posts together, so that the bounds of 1,000,000 take 16 KiB.
BLOCK_SHIFT = 8
#: What bounds are raised by for each term, as a share: 8 times what a sum in float32 may lose.
_SLACK = 2.0**-21


class Query(NamedTuple):
    """The terms of a query; "rank" is a term's place among its distinct ones, from the rarest.

    Attributes:
        idf: (terms,) in the query's order, with repeats.
        ranks: (terms,) likewise.
        at: (ranks,) where in [`Asked`] the term of a rank is.
        masses: (ranks,) idf of the term, times its occurrences.
        rests: (ranks,) mass of this term and all later ones.
        bits: (ranks,) the term's bit in signatures.
        later: (ranks,) mass of the later terms with the same bit.
        held: (ranks,) for a post's weights while it is scored.
        slack: By how much bounds are raised, as a factor.
    """

    idf: Any
    ranks: Any
    at: Any
    masses: Any
    rests: Any
    bits: Any
    later: Any
    held: Any
    slack: Any


class Room(NamedTuple):
    """Bounds on weights, and room for what is made anew for each query and for some postings at a time.

    Attributes:
        group_tops: (groups,) the highest weight in each group of posts.
        block_tops: (blocks,) the highest weight in each block of posts.
        keys: Hash table with open addressing: number of a term of the query, -1 where there is none.
        ranks: Its rank.
        slot_masses: Mass of all terms of the query that would be here in the table, were it free.
        bits: The bits that further terms of the query have.
        bit_masses: (bits of a signature,) mass of these terms.
        signatures: Signature of each posting's post.
        sums: Mass of the query's terms that the post may hold.
        places: Of the posts that may be among the best: place in the order of search.
        tops: A bound on the weights in it.
        rows: Row.
        starts: Where its terms begin.
        ends: Where they end.
        touched: Of one entry, which nobody reads.
    """

    group_tops: Any
    block_tops: Any
    keys: Any
    ranks: Any
    slot_masses: Any
    bits: Any
    bit_masses: Any
    signatures: Any
    sums: Any
    places: Any
    tops: Any
    rows: Any
    starts: Any
    ends: Any
    touched: Any


@njit(cache=True, nogil=True)
def new_room(searched: Searched, asked: Asked) -> Room:
    """Room for some queries over one part."""
    tops, group_starts = searched.weights[searched.postings.group_codes], searched.postings.group_starts
    block_tops = np.zeros((group_starts[-1] >> BLOCK_SHIFT) + 1, dtype=np.float32)
    for group in range(len(tops)):
        for block in range(group_starts[group] >> BLOCK_SHIFT, ((group_starts[group + 1] - 1) >> BLOCK_SHIFT) + 1):
            block_tops[block] = max(block_tops[block], tops[group])
    size = 1024
    for number in range(len(asked.starts) - 1):
        while size < 8 * (asked.starts[number + 1] - asked.starts[number]):
            size *= 2
    return Room(
        tops,
        block_tops,
        np.full(size, -1, dtype=np.int32),
        np.zeros(size, dtype=np.int32),
        np.zeros(size, dtype=np.float32),
        np.zeros(BITS, dtype=np.int64),
        np.zeros(BITS, dtype=np.float32),
        np.zeros(CHUNK, dtype=np.uint64),
        np.zeros(CHUNK, dtype=np.float32),
        np.zeros(CHUNK, dtype=np.int32),
        np.zeros(CHUNK, dtype=np.float32),
        np.zeros(CHUNK, dtype=np.int32),
        np.zeros(CHUNK, dtype=np.int64),
        np.zeros(CHUNK, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def slot_of(keys: Any, term: int) -> int:
    """Where a term is in a hash table with these keys, or where it belongs."""
    slot = term & (len(keys) - 1)
    while keys[slot] != -1 and keys[slot] != term:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


@njit(cache=True, nogil=True)
def clear(room: Room, terms: Any) -> None:
    """Empties the hash table, which holds these terms."""
    keys, slot_masses = room.keys, room.slot_masses
    for term in terms:
        slot = term & (len(keys) - 1)
        slot_masses[slot] = 0.0
        while keys[slot] != -1:
            keys[slot] = -1
            slot = (slot + 1) & (len(keys) - 1)


@njit(cache=True, nogil=True)
def _from_the_rarest(idf: Any) -> Any:
    """The order of terms by falling inverse document frequency; by insertion, as they are few."""
    order = np.arange(len(idf))
    for end in range(1, len(idf)):
        place = end
        while place > 0 and idf[order[place - 1]] < idf[end]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = end
    return order


@njit(cache=True, nogil=True)
def planned(asked: Asked, first: int, last: int, room: Room) -> Query:
    """The query of the terms from `first` to `last` (without it), whose ranks go into the hash table."""
    terms, idf, count = asked.terms[first:last], asked.idf[first:last], last - first
    keys, key_ranks, slot_masses, by_bit = room.keys, room.ranks, room.slot_masses, room.bit_masses
    ranks, at = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    masses, bits = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.int64)
    distinct = 0
    for place in _from_the_rarest(idf):
        term = terms[place]
        slot = slot_of(keys, term)
        if keys[slot] == -1:
            keys[slot], key_ranks[slot] = term, distinct
            at[distinct], bits[distinct] = first + place, signature_bit(term)
            distinct += 1
        ranks[place] = key_ranks[slot]
        masses[ranks[place]] += idf[place]
        slot_masses[term & (len(keys) - 1)] += idf[place]
    rests, later = np.zeros(distinct + 1, dtype=np.float32), np.zeros(distinct, dtype=np.float32)
    by_bit[:] = 0.0
    for rank in range(distinct - 1, -1, -1):
        rests[rank] = rests[rank + 1] + masses[rank]
        later[rank] = by_bit[bits[rank]]
        by_bit[bits[rank]] += masses[rank]
    slack = np.float32(1 + (count + 8) * _SLACK)
    return Query(idf, ranks, at, masses[:distinct], rests, bits, later, np.zeros(distinct, np.float32), slack)


@njit(cache=True, nogil=True)
def later_masses(query: Query, rank: int, room: Room) -> int:
    """Leaves to each bit the mass of the terms after the rank, and lists the bits with any; returns how many."""
    bits, masses, count = room.bits, room.bit_masses, 0
    masses[query.bits[rank]] = query.later[rank]
    for bit in range(BITS):
        bits[count] = bit
        count += 1 if masses[bit] > 0.0 else 0
    return count
