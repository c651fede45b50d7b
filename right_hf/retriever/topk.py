"""The compiled search over a matrix of term scores: exact, with ties broken by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _worse(score_a: float, row_a: int, score_b: float, row_b: int) -> bool:
    """Whether hit a ranks below hit b in the order (-score, row)."""
    return score_a < score_b or (score_a == score_b and row_a > row_b)


@njit(cache=True, nogil=True)
def _sift_down(scores: Any, rows: Any, size: int) -> None:
    """Restores the heap (worst hit on top) after its top was replaced."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and _worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _worse(scores[child], rows[child], scores[at], rows[at]):
            return
        scores[at], scores[child] = scores[child], scores[at]
        rows[at], rows[child] = rows[child], rows[at]
        at = child


@njit(cache=True, nogil=True)
def _sift_up(scores: Any, rows: Any, at: int) -> None:
    """Restores the heap after a hit was appended at position `at`."""
    while at > 0:
        parent = (at - 1) // 2
        if not _worse(scores[at], rows[at], scores[parent], rows[parent]):
            return
        scores[at], scores[parent] = scores[parent], scores[at]
        rows[at], rows[parent] = rows[parent], rows[at]
        at = parent


@njit(cache=True, nogil=True)
def search_term_matrix(
    term_scores: Any, term_rows: Any, term_starts: Any, posts: int,
    queries: Any, query_starts: Any, hidden: Any, hidden_starts: Any, k: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Scores every post that shares a term with a query and keeps the best `k`.

    Only the posts that a query touches are visited, never the whole corpus. A query's sums are always formed in the
    same order, so a query scores the same alone and in a batch.

    Args:
        term_scores: (nnz,) score that a term adds to a post, all > 0, grouped by term.
        term_rows: (nnz,) row of that post.
        term_starts: (terms + 1,) where each term's group begins.
        posts: Number of posts in the corpus.
        queries: Term ids of all queries, one after the other.
        query_starts: (queries + 1,) where each query begins.
        hidden: Rows not to be returned, one query after the other.
        hidden_starts: (queries + 1,) where each query's hidden rows begin.
        k: Hits wanted.

    Returns:
        rows (queries, k) and scores (queries, k), ordered by (-score, row), and the number of hits of each query.
    """
    count = len(query_starts) - 1
    out_rows = np.zeros((count, k), dtype=np.int32)
    out_scores = np.zeros((count, k), dtype=np.float32)
    out_counts = np.zeros(count, dtype=np.int32)
    sums = np.zeros(posts, dtype=np.float32)
    touched = np.empty(posts, dtype=np.int32)
    for query in range(count):
        visited = 0
        for position in range(query_starts[query], query_starts[query + 1]):
            term = queries[position]
            for entry in range(term_starts[term], term_starts[term + 1]):
                row = term_rows[entry]
                if sums[row] == 0.0:
                    touched[visited] = row
                    visited += 1
                sums[row] += term_scores[entry]
        for position in range(hidden_starts[query], hidden_starts[query + 1]):
            sums[hidden[position]] = 0.0
        size = 0
        scores = out_scores[query]
        rows = out_rows[query]
        for position in range(visited):
            row = touched[position]
            score = sums[row]
            sums[row] = 0.0
            if score == 0.0:
                continue
            if size < k:
                scores[size] = score
                rows[size] = row
                _sift_up(scores, rows, size)
                size += 1
            elif _worse(scores[0], rows[0], score, row):
                scores[0] = score
                rows[0] = row
                _sift_down(scores, rows, size)
        out_counts[query] = size
        # Heap sort in place: the worst hit goes to the end, the rest is a heap again.
        for end in range(size - 1, 0, -1):
            scores[0], scores[end] = scores[end], scores[0]
            rows[0], rows[end] = rows[end], rows[0]
            _sift_down(scores, rows, end)
    return out_rows, out_scores, out_counts
