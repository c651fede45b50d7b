"""The compiled search over the postings of one part: exact, with ties broken by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse


@njit(cache=True, nogil=True)
def search_postings(
    post_rows: Any, codes: Any, alive: Any, weights: Any,
    begins: Any, ends: Any, rarities: Any, query_starts: Any, hidden: Any, hidden_starts: Any, k: int,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Scores every post that shares a term with a query and keeps the best `k`.

    Only the posts that a query touches are visited, never the whole part. A post's sum is always formed in the order of
    the query's terms, so a query scores the same alone and in a batch, and a post the same in whatever part it is.

    Args:
        post_rows: (postings,) row of the post, grouped by term.
        codes: (postings,) code of the posting's weight.
        alive: (posts,) which rows may be returned.
        weights: (codes,) weight of a posting by its code, all > 0.
        begins: Where the postings of each term of all queries begin, one query after the other.
        ends: Where they end.
        rarities: Inverse document frequency of each of these terms, > 0.
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
    sums = np.zeros(len(alive), dtype=np.float32)
    touched = np.empty(len(alive), dtype=np.int32)
    for query in range(count):
        visited = 0
        for position in range(query_starts[query], query_starts[query + 1]):
            rarity = rarities[position]
            for entry in range(begins[position], ends[position]):
                row = post_rows[entry]
                if sums[row] == 0.0:
                    touched[visited] = row
                    visited += 1
                sums[row] += rarity * weights[codes[entry]]
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
                if alive[row]:
                    scores[size] = score
                    rows[size] = row
                    sift_up(scores, rows, size)
                    size += 1
            elif worse(scores[0], rows[0], score, row) and alive[row]:
                replace_worst(scores, rows, size, score, row)
        out_counts[query] = size
        sort_heap(scores, rows, size)
    return out_rows, out_scores, out_counts
