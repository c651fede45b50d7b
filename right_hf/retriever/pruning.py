"""The compiled search that scores few posts: those of which a bound says that they may be among the best.

This is dynamic pruning, as MaxScore (Turtle and Flood, 1995), for short posts. Terms are gone through from the rarest.
The posts with a term lie in groups that share one bound on their weights, and the signature of a post says which of the
further terms it may hold. What passes is scored from the post's own terms, always in the order of the query's. Bounds
are raised a little, for what rounding may do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from right_hf.retriever.asked import Asked, Searched
from right_hf.retriever.heap import Best, is_in, offer
from right_hf.retriever.postings import Postings
from right_hf.retriever.signatures import BITS, signature_bit

#: Postings whose bounds are formed at once.
_CHUNK = 256
#: Weights are bounded for 2 to the power of this many posts together, so that the bounds of 1,000,000 take 16 KiB.
_BLOCK = 8
#: What bounds are raised by for each term, as a share: 8 times what a sum in float32 may lose.
_SLACK = 2.0**-21
#: About what things cost, in ns: a posting, for each bit that its post may have, a post that is noted, and a summand.
_BOUND = 4.0
_BIT = 0.5
_NOTED = 60.0
_SUMMED = 2.0


class _Query(NamedTuple):
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
def prune(searched: Searched, asked: Asked, first: int, last: int, room: Room, best: Best, budget: float) -> bool:
    """Takes up the best posts with one of the terms from `first` to `last` (without it).

    Returns:
        Whether all of them are taken up; False where that would have cost more than the budget, in ns or so.
    """
    postings, tops = searched.postings, room.group_tops
    query, spent = _planned(asked, first, last, room), 0.0
    for rank in range(len(query.masses)):
        entry, end = asked.begins[query.at[rank]], asked.ends[query.at[rank]]
        shared = _later_masses(query, rank, room)
        group = 0
        while entry < end and spent <= budget:
            live, group = _live_groups(tops, group, query.rests[rank], best.floor[0] / query.slack)
            if live == group:
                break
            entry = position(postings.places, entry, end, postings.group_starts[live])
            after = position(postings.places, entry, end, postings.group_starts[group])
            while entry < after and spent <= budget:
                stop = min(entry + _CHUNK, after)
                found = _promising(postings, entry, stop, query, rank, shared, room, best)
                spent += (stop - entry) * (_BOUND + _BIT * shared) + found * _NOTED
                found = _confirmed(postings, found, query, room, best)
                spent += found * (_NOTED + _SUMMED * (last - first))
                _score(searched, found, query, rank, room, best)
                entry = stop
    _clear(room, asked.terms[first:last])
    return spent <= budget


@njit(cache=True, nogil=True)
def new_room(searched: Searched, asked: Asked) -> Room:
    """Room for some queries over one part."""
    tops, group_starts = searched.weights[searched.postings.group_codes], searched.postings.group_starts
    block_tops = np.zeros((group_starts[-1] >> _BLOCK) + 1, dtype=np.float32)
    for group in range(len(tops)):
        for block in range(group_starts[group] >> _BLOCK, ((group_starts[group + 1] - 1) >> _BLOCK) + 1):
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
        np.zeros(_CHUNK, dtype=np.uint64),
        np.zeros(_CHUNK, dtype=np.float32),
        np.zeros(_CHUNK, dtype=np.int32),
        np.zeros(_CHUNK, dtype=np.float32),
        np.zeros(_CHUNK, dtype=np.int32),
        np.zeros(_CHUNK, dtype=np.int64),
        np.zeros(_CHUNK, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
    )


@njit(cache=True, nogil=True)
def _slot(keys: Any, term: int) -> int:
    """Where a term is in a hash table with these keys, or where it belongs."""
    slot = term & (len(keys) - 1)
    while keys[slot] != -1 and keys[slot] != term:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


@njit(cache=True, nogil=True)
def _clear(room: Room, terms: Any) -> None:
    """Empties the hash table, which holds these terms."""
    keys, slot_masses = room.keys, room.slot_masses
    for term in terms:
        slot = term & (len(keys) - 1)
        slot_masses[slot] = 0.0
        while keys[slot] != -1:
            keys[slot] = -1
            slot = (slot + 1) & (len(keys) - 1)


@njit(cache=True, nogil=True)
def _planned(asked: Asked, first: int, last: int, room: Room) -> _Query:
    """The query of the terms from `first` to `last` (without it), whose ranks go into the hash table."""
    terms, idf, count = asked.terms[first:last], asked.idf[first:last], last - first
    keys, key_ranks, slot_masses, by_bit = room.keys, room.ranks, room.slot_masses, room.bit_masses
    ranks, at = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    masses, bits = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.int64)
    distinct = 0
    for place in np.argsort(-idf, kind="mergesort"):
        term = terms[place]
        slot = _slot(keys, term)
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
    return _Query(idf, ranks, at, masses[:distinct], rests, bits, later, np.zeros(distinct, np.float32), slack)


@njit(cache=True, nogil=True)
def _later_masses(query: _Query, rank: int, room: Room) -> int:
    """Leaves to each bit the mass of the terms after the rank, and lists the bits with any; returns how many."""
    bits, masses, count = room.bits, room.bit_masses, 0
    masses[query.bits[rank]] = query.later[rank]
    for bit in range(BITS):
        bits[count] = bit
        count += 1 if masses[bit] > 0.0 else 0
    return count


@njit(cache=True, nogil=True)
def _live_groups(tops: Any, group: int, mass: float, least: float) -> tuple[int, int]:
    """The next groups, from this one on, in which posts of this mass reach a score, as a range."""
    while group < len(tops) and mass * tops[group] < least:
        group += 1
    first = group
    while group < len(tops) and mass * tops[group] >= least:
        group += 1
    return first, group


@njit(cache=True, nogil=True)
def position(places: Any, low: int, high: int, place: int) -> int:
    """The first position from `low` to `high` whose place is at least `place`, or `high`."""
    while low < high:
        middle = (low + high) >> 1
        if places[middle] < place:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, inline="always")
def _promising(
    postings: Postings, first: int, last: int, query: _Query, rank: int, shared: int, room: Room, best: Best
) -> int:
    """Notes the posts of some postings that may be among the best, by their signatures; returns how many."""
    places, all_signatures, block_tops = postings.places, postings.signatures, room.block_tops
    signatures, sums, noted, tops = room.signatures, room.sums, room.places, room.tops
    bits, masses = room.bits, room.bit_masses
    count, mass, least = last - first, query.masses[rank], best.floor[0] / query.slack
    for i in range(count):
        signatures[i] = all_signatures[places[first + i]]
        sums[i] = mass
    for number in range(shared):
        shift, later = np.uint64(bits[number]), masses[bits[number]]
        for i in range(count):
            sums[i] += later if (signatures[i] >> shift) & np.uint64(1) else np.float32(0.0)
    found = 0
    for i in range(count):
        place = places[first + i]
        top = block_tops[place >> _BLOCK]
        noted[found], tops[found] = place, top
        found += 1 if sums[i] * top >= least else 0
    return found


@njit(cache=True, nogil=True, inline="always")
def _confirmed(postings: Postings, count: int, query: _Query, room: Room, best: Best) -> int:
    """Leaves those of the noted posts that may be among the best by their terms; returns how many."""
    places, tops, rows, starts, ends = room.places, room.tops, room.rows, room.starts, room.ends
    order, all_starts, terms = postings.order, postings.counts.starts, postings.counts.terms
    # One thing of all of them after the other, so that they wait for the memory together.
    for i in range(count):
        rows[i] = order[places[i]]
    for i in range(count):
        starts[i], ends[i] = all_starts[rows[i]], all_starts[rows[i] + 1]
    touched = 0
    for i in range(count):
        touched += terms[starts[i]] + terms[ends[i] - 1]
    room.touched[0] = touched
    slot_masses, least = room.slot_masses, best.floor[0] / query.slack
    mask = len(slot_masses) - 1
    found = 0
    for i in range(count):
        mass = np.float32(0.0)
        for entry in range(starts[i], ends[i]):
            mass += slot_masses[terms[entry] & mask]
        rows[found], starts[found], ends[found] = rows[i], starts[i], ends[i]
        found += 1 if mass * tops[i] >= least else 0
    return found


@njit(cache=True, nogil=True, inline="always")
def _score(searched: Searched, count: int, query: _Query, rank: int, room: Room, best: Best) -> None:
    """Scores the noted posts, and takes up those that are among the best."""
    terms, codes, weights = searched.postings.counts.terms, searched.postings.counts.codes, searched.weights
    rows, starts, ends, keys, key_ranks = room.rows, room.starts, room.ends, room.keys, room.ranks
    alive, held, idf, ranks = searched.alive, query.held, query.idf, query.ranks
    best_scores, best_rows, hidden, size, floor = best.scores, best.rows, best.hidden, best.size[0], best.floor[0]
    touched = 0
    for i in range(count):
        touched += codes[starts[i]]
    room.touched[0] = touched
    for i in range(count):
        held[:] = 0.0
        lowest = len(held)
        for entry in range(starts[i], ends[i]):
            slot = _slot(keys, terms[entry])
            if keys[slot] != -1:
                held[key_ranks[slot]] = weights[codes[entry]]
                lowest = min(lowest, key_ranks[slot])
        if lowest < rank:
            continue  # a rarer term led to it before
        score: Any = np.float32(0.0)
        for place in range(len(idf)):
            score += idf[place] * held[ranks[place]]
        if score >= floor and alive[rows[i]] and not is_in(rows[i], hidden):
            size = offer(best_scores, best_rows, size, score, rows[i])
            floor = max(floor, best_scores[0]) if size == len(best_scores) else floor
    best.size[0], best.floor[0] = size, floor
