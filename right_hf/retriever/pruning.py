"""The compiled search that scores few posts: those of which a bound says that they may be among the best.

This is dynamic pruning, as MaxScore (Turtle and Flood, 1995), for short posts. Terms are gone through from the rarest.
The posts with a term lie in groups that share one bound on their weights, and the signature of a post says which of the
further terms it may hold. What passes is scored from the post's own terms, always in the order of the query's. Bounds
are raised a little, for what rounding may do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from right_hf.retriever.asked import Asked, Searched
from right_hf.retriever.heap import Best, is_in, offer
from right_hf.retriever.plan import BLOCK_SHIFT, CHUNK, Query, Room, clear, later_masses, planned, slot_of
from right_hf.retriever.postings import Postings

#: About what things cost, in ns: a posting, for each bit that its post may have, a post that is noted, and a summand.
_BOUND = 4.0
_BIT = 0.5
_NOTED = 60.0
_SUMMED = 2.0


@njit(cache=True, nogil=True)
def prune(searched: Searched, asked: Asked, first: int, last: int, room: Room, best: Best, budget: float) -> bool:
    """Takes up the best posts with one of the terms from `first` to `last` (without it).

    Returns:
        Whether all of them are taken up; False where that would have cost more than the budget, in ns or so.
    """
    postings, tops = searched.postings, room.group_tops
    query, spent = planned(asked, first, last, room), 0.0
    for rank in range(len(query.masses)):
        entry, end = asked.begins[query.at[rank]], asked.ends[query.at[rank]]
        shared = later_masses(query, rank, room)
        group = 0
        while entry < end and spent <= budget:
            live, group = _live_groups(tops, group, query.rests[rank], best.floor[0] / query.slack)
            if live == group:
                break
            entry = position(postings.places, entry, end, postings.group_starts[live])
            after = position(postings.places, entry, end, postings.group_starts[group])
            while entry < after and spent <= budget:
                stop = min(entry + CHUNK, after)
                found = _promising(postings, entry, stop, query, rank, shared, room, best)
                spent += (stop - entry) * (_BOUND + _BIT * shared) + found * _NOTED
                found = _confirmed(postings, found, query, room, best)
                spent += found * (_NOTED + _SUMMED * (last - first))
                _score(searched, found, query, rank, room, best)
                entry = stop
    clear(room, asked.terms[first:last])
    return spent <= budget


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
    postings: Postings, first: int, last: int, query: Query, rank: int, shared: int, room: Room, best: Best
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
        top = block_tops[place >> BLOCK_SHIFT]
        noted[found], tops[found] = place, top
        found += 1 if sums[i] * top >= least else 0
    return found


@njit(cache=True, nogil=True, inline="always")
def _confirmed(postings: Postings, count: int, query: Query, room: Room, best: Best) -> int:
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
def _score(searched: Searched, count: int, query: Query, rank: int, room: Room, best: Best) -> None:
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
            slot = slot_of(keys, terms[entry])
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
