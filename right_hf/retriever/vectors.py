"""Exact search among unit vectors, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from right_hf.encoders import Matrix
from right_hf.retriever.base import flatten
from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse

Half = npt.NDArray[np.float16]

_QUERY_BLOCK = 256
_ROW_BLOCK = 8192


class Block(NamedTuple):
    """Some of the vectors that are searched, and what is asked of them.

    Attributes:
        approximate: (q, n) cosines, each off by at most `margin`.
        queries: (q, d) unit vectors.
        vectors: (n, d) unit vectors.
        first: Row of the first of them in the corpus.
        hidden: Rows not to be taken, one query after the other.
        hidden_starts: (q + 1,) where each query's hidden rows begin.
        margin: See `approximate`.
    """

    approximate: Any
    queries: Any
    vectors: Any
    first: int
    hidden: Any
    hidden_starts: Any
    margin: float


class Best(NamedTuple):
    """The best hits so far, as heaps with the worst on top.

    Attributes:
        rows: (q, k) their rows in the corpus.
        scores: (q, k) their cosines.
        counts: (q,) how many each query has.
    """

    rows: Any
    scores: Any
    counts: Any


@njit(cache=True, nogil=True)
def merge_scores(block: Block, best: Best) -> None:
    """Takes those of some vectors among the best hits whose cosine is above 0 and high enough.

    A matrix product rounds differently with the shape of its blocks, so it only says which vectors may be good enough.
    Their cosines are then summed up one by one, in one order and double precision: equal vectors tie exactly, and a
    query scores the same alone and in a batch.
    """
    approximate, queries, vectors, first, hidden, hidden_starts, margin = block
    best_rows, best_scores, counts = best
    k = best_scores.shape[1]
    for query in range(len(queries)):
        scores, found, size = best_scores[query], best_rows[query], counts[query]
        floor = scores[0] - margin if size == k else -margin
        for at in range(len(vectors)):
            if approximate[query, at] < floor:
                continue
            row = first + at
            is_hidden = False
            for position in range(hidden_starts[query], hidden_starts[query + 1]):
                is_hidden = is_hidden or hidden[position] == row
            if is_hidden:
                continue
            total = 0.0
            for dimension in range(queries.shape[1]):
                total += np.float64(queries[query, dimension]) * np.float64(vectors[at, dimension])
            score: Any = np.float32(total)
            if not score > 0:
                continue
            if size < k:
                scores[size] = score
                found[size] = row
                sift_up(scores, found, size)
                size += 1
            elif worse(scores[0], found[0], score, row):
                replace_worst(scores, found, size, score, row)
            if size == k:
                floor = scores[0] - margin
        counts[query] = size


@njit(cache=True, nogil=True)
def sort_hits(best_scores: Any, best_rows: Any, counts: Any) -> None:
    """Orders each query's heap by (-score, row)."""
    for query in range(len(counts)):
        sort_heap(best_scores[query], best_rows[query], counts[query])


def rounding_margin(dimensions: int) -> float:
    """How far a cosine of unit vectors can be off in single precision, whatever the order of its sum (and twice)."""
    return dimensions * 2.0**-23


class VectorIndex:
    """Compares with every vector. Holds 4 bytes a number, and one block of cosines at a time.

    Args:
        vectors: (N, d) unit vectors.
    """

    def __init__(self, vectors: Half) -> None:
        self.vectors: Matrix = vectors.astype(np.float32)

    def search(self, queries: Matrix, k: int, hidden: Sequence[Sequence[int]]) -> Best:
        """Retrieves up to `k` rows a query, only those with a cosine above 0; nothing is missed, ties by row.

        Args:
            queries: (Q, d) unit vectors.
            k: Rows wanted.
            hidden: For each query the rows that must not be returned.

        Returns:
            rows (Q, k) and cosines (Q, k), ordered by (-cosine, row), and the number of hits of each query.
        """
        count, margin = len(self.vectors), rounding_margin(queries.shape[1])
        shape = (len(queries), min(k, count))
        best = Best(np.zeros(shape, np.int32), np.zeros(shape, np.float32), np.zeros(len(queries), np.int32))
        for start in range(0, len(queries), _QUERY_BLOCK):
            part = slice(start, start + _QUERY_BLOCK)
            asked, concealed = np.ascontiguousarray(queries[part]), flatten(hidden[part])
            for first in range(0, count, _ROW_BLOCK):
                vectors = self.vectors[first : first + _ROW_BLOCK]
                block = Block(asked @ vectors.T, asked, vectors, first, *concealed, margin)
                merge_scores(block, Best(*(array[part] for array in best)))
        sort_hits(best.scores, best.rows, best.counts)
        return best
