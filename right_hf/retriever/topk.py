"""The compiled search over the postings of one part: exact, though most postings are never scored.

A post is scored only where a bound on its score says that it may be among the best (dynamic pruning, as MaxScore by
Turtle and Flood, 1995). Terms are gone through from the rarest. The posts with a term lie in groups that share one
bound on their weights, and the signature of a post says which of the further terms it may hold. What passes is scored
from the post's own terms, always in the order of the query's. Bounds are raised a little, for what rounding may do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse
from right_hf.retriever.postings import Postings
from right_hf.retriever.signatures import BITS, signature_bit

#: Postings whose bounds are formed at once.
_CHUNK = 128
#: Weights are bounded for 2 to the power of this many posts together, so that the bounds of 1,000,000 take 16 KiB.
_BLOCK = 8
#: What bounds are raised by for each term, as a share: 8 times what a sum in float32 may lose.
_SLACK = 2.0**-21


class Lists(NamedTuple):
    """Lists of rows, laid end to end: those of list i are `values[starts[i] : starts[i + 1]]`."""

    values: Any
    starts: Any


class Searched(NamedTuple):
    """What is searched.

    Attributes:
        postings: Those of one part.
        alive: (posts,) which rows may be returned.
        weights: (codes,) weight of a posting by its code, all > 0, growing with the term frequency.
    """

    postings: Postings
    alive: Any
    weights: Any


class Asked(NamedTuple):
    """The terms of some queries, one query after the other.

    Attributes:
        terms: Number of each term.
        begins: Where its postings begin.
        ends: Where they end.
        idf: Its inverse document frequency, > 0.
        starts: (queries + 1,) where each query begins.
    """

    terms: Any
    begins: Any
    ends: Any
    idf: Any
    starts: Any


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


class _Room(NamedTuple):
    """Bounds on weights, and room for what is made anew for each query and for some postings at a time.

    Attributes:
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


class _Best(NamedTuple):
    """The best posts so far.

    Attributes:
        scores: (k,) scores, a heap.
        rows: (k,) their rows.
        size: Of one entry: how many there are.
        floor: Of one entry: posts with a lower score are not wanted.
        hidden: Rows not wanted.
    """

    scores: Any
    rows: Any
    size: Any
    floor: Any
    hidden: Any


@njit(cache=True, nogil=True)
def search_postings(searched: Searched, asked: Asked, hidden: Lists, floors: Any, k: int) -> tuple[Any, Any]:
    """Finds the `k` posts with the highest scores among those that share a term with a query.

    A query scores the same alone and in a batch, and a post the same in whatever part it is.

    Args:
        searched: What is searched.
        asked: The queries.
        hidden: For each query the rows not to be returned.
        floors: (queries,) posts with a lower score need not be returned.
        k: Hits wanted.

    Returns:
        rows (queries, k) and scores (queries, k), ordered by (-score, row); a score of 0 where there is no further hit.
    """
    count = len(asked.starts) - 1
    rows = np.zeros((count, k), dtype=np.int32)
    scores = np.zeros((count, k), dtype=np.float32)
    tops = searched.weights[searched.postings.group_codes]
    room = _room(searched.postings.group_starts, tops, asked.starts)
    for number in range(count):
        banned = hidden.values[hidden.starts[number] : hidden.starts[number + 1]]
        best = _Best(scores[number], rows[number], np.zeros(1, np.int64), floors[number : number + 1].copy(), banned)
        query = _planned(asked, asked.starts[number], asked.starts[number + 1], room)
        for rank in range(len(query.masses)):
            entry, end = asked.begins[query.at[rank]], asked.ends[query.at[rank]]
            shared = _later_masses(query, rank, room)
            group = 0
            while entry < end:
                first, group = _live_groups(tops, group, query.rests[rank], best.floor[0] / query.slack)
                if first == group:
                    break
                entry = _position(searched.postings.places, entry, end, searched.postings.group_starts[first])
                last = _position(searched.postings.places, entry, end, searched.postings.group_starts[group])
                while entry < last:
                    stop = min(entry + _CHUNK, last)
                    found = _promising(searched.postings, entry, stop, query, rank, shared, room, best)
                    found = _confirmed(searched.postings, found, query, room, best)
                    _score(searched, found, query, rank, room, best)
                    entry = stop
        _clear(room, asked.terms[asked.starts[number] : asked.starts[number + 1]])
        sort_heap(best.scores, best.rows, best.size[0])
    return rows, scores


@njit(cache=True, nogil=True)
def _room(group_starts: Any, tops: Any, query_starts: Any) -> _Room:
    """Room for the search, and the bounds on weights of blocks of posts, from those of groups."""
    block_tops = np.zeros((group_starts[-1] >> _BLOCK) + 1, dtype=np.float32)
    for group in range(len(tops)):
        for block in range(group_starts[group] >> _BLOCK, ((group_starts[group + 1] - 1) >> _BLOCK) + 1):
            block_tops[block] = max(block_tops[block], tops[group])
    size = 1024
    for number in range(len(query_starts) - 1):
        while size < 8 * (query_starts[number + 1] - query_starts[number]):
            size *= 2
    return _Room(
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
def _clear(room: _Room, terms: Any) -> None:
    """Empties the hash table, which holds these terms."""
    for term in terms:
        slot = term & (len(room.keys) - 1)
        room.slot_masses[slot] = 0.0
        while room.keys[slot] != -1:
            room.keys[slot] = -1
            slot = (slot + 1) & (len(room.keys) - 1)


@njit(cache=True, nogil=True)
def _planned(asked: Asked, first: int, last: int, room: _Room) -> _Query:
    """The query of the terms from `first` to `last` (without it), whose ranks go into the hash table."""
    idf, count = asked.idf[first:last], last - first
    ranks, at = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    masses, bits = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.int64)
    distinct = 0
    for place in np.argsort(-idf, kind="mergesort"):
        term = asked.terms[first + place]
        slot = _slot(room.keys, term)
        if room.keys[slot] == -1:
            room.keys[slot], room.ranks[slot] = term, distinct
            at[distinct], bits[distinct] = first + place, signature_bit(term)
            distinct += 1
        ranks[place] = room.ranks[slot]
        masses[ranks[place]] += idf[place]
        room.slot_masses[term & (len(room.keys) - 1)] += idf[place]
    rests, later = np.zeros(distinct + 1, dtype=np.float32), np.zeros(distinct, dtype=np.float32)
    by_bit = room.bit_masses
    by_bit[:] = 0.0
    for rank in range(distinct - 1, -1, -1):
        rests[rank] = rests[rank + 1] + masses[rank]
        later[rank] = by_bit[bits[rank]]
        by_bit[bits[rank]] += masses[rank]
    slack = np.float32(1 + (count + 8) * _SLACK)
    return _Query(idf, ranks, at, masses[:distinct], rests, bits, later, np.zeros(distinct, np.float32), slack)


@njit(cache=True, nogil=True)
def _later_masses(query: _Query, rank: int, room: _Room) -> int:
    """Leaves to each bit the mass of the terms after the rank, and lists the bits with any; returns how many."""
    room.bit_masses[query.bits[rank]] = query.later[rank]
    count = 0
    for bit in range(BITS):
        room.bits[count] = bit
        count += 1 if room.bit_masses[bit] > 0.0 else 0
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
def _position(places: Any, low: int, high: int, place: int) -> int:
    """The first position from `low` to `high` whose place is at least `place`, or `high`."""
    while low < high:
        middle = (low + high) >> 1
        if places[middle] < place:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _promising(
    postings: Postings, first: int, last: int, query: _Query, rank: int, shared: int, room: _Room, best: _Best
) -> int:
    """Notes the posts of some postings that may be among the best, by their signatures; returns how many."""
    places, all_signatures, block_tops = postings.places, postings.signatures, room.block_tops
    signatures, sums, noted, tops = room.signatures, room.sums, room.places, room.tops
    count, mass, least = last - first, query.masses[rank], best.floor[0] / query.slack
    for i in range(count):
        signatures[i] = all_signatures[places[first + i]]
        sums[i] = mass
    for number in range(shared):
        shift, later = np.uint64(room.bits[number]), room.bit_masses[room.bits[number]]
        for i in range(count):
            sums[i] += later if (signatures[i] >> shift) & np.uint64(1) else np.float32(0.0)
    found = 0
    for i in range(count):
        place = places[first + i]
        top = block_tops[place >> _BLOCK]
        noted[found], tops[found] = place, top
        found += 1 if sums[i] * top >= least else 0
    return found


@njit(cache=True, nogil=True)
def _confirmed(postings: Postings, count: int, query: _Query, room: _Room, best: _Best) -> int:
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


@njit(cache=True, nogil=True)
def _score(searched: Searched, count: int, query: _Query, rank: int, room: _Room, best: _Best) -> None:
    """Scores the noted posts, and takes up those that are among the best."""
    terms, codes, weights = searched.postings.counts.terms, searched.postings.counts.codes, searched.weights
    keys, term_ranks, held, idf, ranks = room.keys, room.ranks, query.held, query.idf, query.ranks
    for i in range(count):
        held[:] = 0.0
        lowest = len(held)
        for entry in range(room.starts[i], room.ends[i]):
            slot = _slot(keys, terms[entry])
            if keys[slot] != -1:
                held[term_ranks[slot]] = weights[codes[entry]]
                lowest = min(lowest, term_ranks[slot])
        if lowest < rank:
            continue  # a rarer term led to it before
        score, row = np.float32(0.0), room.rows[i]
        for place in range(len(idf)):
            score += idf[place] * held[ranks[place]]
        if score >= best.floor[0] and searched.alive[row] and not _is_in(row, best.hidden):
            _offer(best, score, row)


@njit(cache=True, nogil=True)
def _is_in(row: int, rows: Any) -> bool:
    for other in rows:
        if other == row:
            return True
    return False


@njit(cache=True, nogil=True)
def _offer(best: _Best, score: float, row: int) -> None:
    """Takes a post up among the best, if it is one of them."""
    scores, rows, size = best.scores, best.rows, best.size[0]
    if size < len(scores):
        scores[size] = score
        rows[size] = row
        sift_up(scores, rows, size)
        best.size[0] = size + 1
    elif worse(scores[0], rows[0], score, row):
        replace_worst(scores, rows, size, score, row)
    if best.size[0] == len(scores):
        best.floor[0] = max(best.floor[0], scores[0])
