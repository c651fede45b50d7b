"""The compiled search over a matrix of term scores: exact, with ties broken by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse


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
                sift_up(scores, rows, size)
                size += 1
            elif worse(scores[0], rows[0], score, row):
                replace_worst(scores, rows, size, score, row)
        out_counts[query] = size
        sort_heap(scores, rows, size)
    return out_rows, out_scores, out_counts
