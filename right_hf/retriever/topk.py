"""The compiled search over the postings of one part: exact, with ties broken by row.

Posts are gone through in blocks, whose sums stay in the processor's cache however large the part is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse

#: Posts of a block; their sums take 256 KiB.
BLOCK = 65_536
#: If a query has at least one posting for so many posts of a block, all its sums are looked at one after the other;
#: else the posts with a posting are noted and only theirs are.
_SPARSE = 8


class Lists(NamedTuple):
    """Lists of rows, laid end to end: those of list i are `values[starts[i] : starts[i + 1]]`."""

    values: Any
    starts: Any


class Searched(NamedTuple):
    """The postings of one part.

    Attributes:
        rows: (postings,) row of the post, grouped by term and ascending in each.
        codes: (postings,) code of the posting's weight.
        alive: (posts,) which rows may be returned.
        weights: (codes,) weight of a posting by its code, all > 0.
    """

    rows: Any
    codes: Any
    alive: Any
    weights: Any


class Asked(NamedTuple):
    """The terms of some queries, one query after the other.

    Attributes:
        begins: Where the postings of each term begin.
        ends: Where they end.
        idf: Inverse document frequency of each term, > 0.
        starts: (queries + 1,) where each query begins.
    """

    begins: Any
    ends: Any
    idf: Any
    starts: Any


@njit(cache=True, nogil=True)
def search_postings(searched: Searched, asked: Asked, hidden: Lists, k: int, block: int) -> tuple[Any, Any]:
    """Scores every post that shares a term with a query and keeps the best `k`.

    A post's sum is always formed in the order of the query's terms, so a query scores the same alone and in a batch,
    and a post the same in whatever part it is.

    Args:
        searched: What is searched.
        asked: The queries.
        hidden: For each query the rows not to be returned.
        k: Hits wanted.
        block: Posts of a block, which changes the speed alone.

    Returns:
        rows (queries, k) and scores (queries, k), ordered by (-score, row); a score of 0 where there is no further hit.
    """
    post_rows, codes, alive, weights = searched
    begins, ends, idfs, query_starts = asked
    count = len(query_starts) - 1
    out_rows = np.zeros((count, k), dtype=np.int32)
    out_scores = np.zeros((count, k), dtype=np.float32)
    sums = np.zeros(min(block, len(alive)), dtype=np.float32)
    touched = np.empty(len(sums), dtype=np.int32)
    here = begins.copy()  # where the block's postings of each term begin
    after = begins.copy()  # and end
    for query in range(count):
        terms = range(query_starts[query], query_starts[query + 1])
        banned = hidden.values[hidden.starts[query] : hidden.starts[query + 1]]
        scores, rows, size = out_scores[query], out_rows[query], 0
        for first in range(0, len(alive), block):
            last = min(first + block, len(alive))
            postings = 0
            for term in terms:
                here[term] = after[term]
                after[term] = ends[term] if last == len(alive) else _position(post_rows, here[term], ends[term], last)
                postings += after[term] - here[term]
            if postings == 0:
                continue
            is_sparse = postings * _SPARSE < last - first
            visited = 0
            for term in terms:
                idf = idfs[term]
                if is_sparse:
                    for entry in range(here[term], after[term]):
                        place = post_rows[entry] - first
                        if sums[place] == 0.0:
                            touched[visited] = place
                            visited += 1
                        sums[place] += idf * weights[codes[entry]]
                else:
                    for entry in range(here[term], after[term]):
                        sums[post_rows[entry] - first] += idf * weights[codes[entry]]
            for row in banned:
                if first <= row < last:
                    sums[row - first] = 0.0
            if is_sparse:
                for position in range(visited):
                    place = touched[position]
                    if sums[place] > 0.0 and alive[first + place]:
                        size = _offer(scores, rows, size, sums[place], first + place)
                    sums[place] = 0.0
            else:
                floor = scores[0] if size == k else np.float32(0.0)
                for place in range(last - first):
                    if sums[place] > floor and alive[first + place]:  # of equal ones the earlier rows are there already
                        size = _offer(scores, rows, size, sums[place], first + place)
                        floor = scores[0] if size == k else np.float32(0.0)
                sums[:] = 0.0
        sort_heap(scores, rows, size)
    return out_rows, out_scores


@njit(cache=True, nogil=True)
def _position(post_rows: Any, low: int, high: int, row: int) -> int:
    """The first position from `low` to `high` whose row is at least `row`, or `high`."""
    while low < high:
        middle = (low + high) >> 1
        if post_rows[middle] < row:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _offer(scores: Any, rows: Any, size: int, score: float, row: int) -> int:
    """Takes a post up among the best, if it is one of them; returns how many there are now."""
    if size < len(scores):
        scores[size] = score
        rows[size] = row
        sift_up(scores, rows, size)
        return size + 1
    if worse(scores[0], rows[0], score, row):
        replace_worst(scores, rows, size, score, row)
    return size
