"""Search among unit vectors: exact, block by block, or with 8-bit codes (FAISS) whose best are scored again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numba import njit

from right_hf.encoders import Matrix
from right_hf.retriever.base import flatten
from right_hf.retriever.heap import replace_worst, sift_up, sort_heap, worse

Half = npt.NDArray[np.float16]
Found = tuple[npt.NDArray[np.int32], Matrix, npt.NDArray[np.int32]]

_QUERY_BLOCK = 256
_ROW_BLOCK = 8192
#: Hits of the quantised search that are scored again, for each hit wanted.
_RESCORED = 10
_QUANTISER_SAMPLE = 65_536


@njit(cache=True, nogil=True)
def merge_scores(
    approximate: Any, queries: Any, vectors: Any, rows: Any, hidden: Any, hidden_starts: Any, margin: float,
    best_scores: Any, best_rows: Any, counts: Any,
) -> None:  # fmt: skip
    """Takes those of some vectors among the best hits whose cosine is above 0 and high enough.

    A matrix product rounds differently with the shape of its blocks, so it only says which vectors may be good enough.
    Their cosines are then summed up one by one, in one order and double precision: equal vectors tie exactly, and a
    query scores the same alone and in a batch.

    Args:
        approximate: (q, n) cosines, each off by at most `margin`.
        queries: (q, d) unit vectors.
        vectors: (n, d) unit vectors.
        rows: (n,) their rows in the corpus.
        hidden: Rows not to be taken, one query after the other.
        hidden_starts: (q + 1,) where each query's hidden rows begin.
        margin: See `approximate`.
        best_scores: (q, k) heaps that are filled, the worst hit on top.
        best_rows: (q, k) their rows.
        counts: (q,) how many hits each heap holds.
    """
    k = best_scores.shape[1]
    for query in range(len(queries)):
        scores, found, size = best_scores[query], best_rows[query], counts[query]
        floor = scores[0] - margin if size == k else -margin
        for at in range(len(rows)):
            if approximate[query, at] < floor:
                continue
            row = rows[at]
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


class VectorIndex(Protocol):
    """Finds the rows whose vectors have the highest cosine with a query.

    Attributes:
        vectors: (N, d), the vectors it was made from, in half or single precision.
    """

    vectors: npt.NDArray[Any]

    def search(self, queries: Matrix, k: int, hidden: Sequence[Sequence[int]]) -> Found:
        """Retrieves up to `k` rows a query, only those with a cosine above 0.

        Args:
            queries: (Q, d) unit vectors.
            k: Rows wanted.
            hidden: For each query the rows that must not be returned.

        Returns:
            rows (Q, k) and cosines (Q, k), ordered by (-cosine, row), and the number of hits of each query.
        """
        ...


class ExactIndex:
    """Compares with every vector. Holds 4 bytes a number, and one block of cosines at a time.

    Args:
        vectors: (N, d) unit vectors.
    """

    def __init__(self, vectors: Half) -> None:
        self.vectors: Matrix = vectors.astype(np.float32)

    def search(self, queries: Matrix, k: int, hidden: Sequence[Sequence[int]]) -> Found:
        """See [`VectorIndex.search`]; nothing is missed, ties are broken by row."""
        count, margin = len(self.vectors), rounding_margin(queries.shape[1])

        def merge(asked: Matrix, hidden_rows: Any, starts: Any, best: Found) -> None:
            for first in range(0, count, _ROW_BLOCK):
                block = self.vectors[first : first + _ROW_BLOCK]
                rows = np.arange(first, first + len(block), dtype=np.int32)
                rows_out, scores_out, sizes = best
                merge_scores(
                    asked @ block.T, asked, block, rows, hidden_rows, starts, margin, scores_out, rows_out, sizes
                )

        return _search_in_blocks(queries, min(k, count), hidden, merge)


class QuantisedIndex:
    """Searches 8-bit codes of the vectors with FAISS and scores the best ten times `k` of them exactly.

    Holds 3 bytes a number: the codes, and the vectors in half precision. Now and then it misses a hit at the end of the
    list, and among equal vectors it may find others than the first.

    Args:
        vectors: (N, d) unit vectors.

    Raises:
        ImportError: FAISS is not installed.
    """

    def __init__(self, vectors: Half) -> None:
        faiss = _faiss()
        self.vectors = vectors
        self._codes = faiss.IndexScalarQuantizer(
            vectors.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        )
        step = max(1, len(vectors) // _QUANTISER_SAMPLE)
        self._codes.train(np.ascontiguousarray(vectors[::step], dtype=np.float32))
        for first in range(0, len(vectors), _ROW_BLOCK):
            self._codes.add(vectors[first : first + _ROW_BLOCK].astype(np.float32))

    def search(self, queries: Matrix, k: int, hidden: Sequence[Sequence[int]]) -> Found:
        """See [`VectorIndex.search`]; cosines and order are exact, but a hit may be missed."""
        count, margin = len(self.vectors), rounding_margin(queries.shape[1])
        k = min(k, count)

        def merge(asked: Matrix, hidden_rows: Any, starts: Any, best: Found) -> None:
            depth = min(count, _RESCORED * k + int(np.diff(starts).max()))
            _, candidates = self._codes.search(asked, depth)
            rows_out, scores_out, sizes = best
            for i, rows in enumerate(candidates):
                rows = rows[rows >= 0].astype(np.int32)
                block, one = self.vectors[rows].astype(np.float32), slice(i, i + 1)
                merge_scores(
                    asked[one] @ block.T, asked[one], block, rows, hidden_rows, starts[i : i + 2], margin,
                    scores_out[one], rows_out[one], sizes[one],
                )  # fmt: skip

        return _search_in_blocks(queries, k, hidden, merge)


#: Ways to search, by the name used in configurations.
INDEXES: dict[str, Callable[[Half], VectorIndex]] = {"exact": ExactIndex, "sq8": QuantisedIndex}


def _search_in_blocks(
    queries: Matrix, k: int, hidden: Sequence[Sequence[int]], merge: Callable[[Matrix, Any, Any, Found], None]
) -> Found:
    """Lets `merge` fill the best hits of some queries at a time, and puts them in order."""
    rows = np.zeros((len(queries), k), dtype=np.int32)
    scores = np.zeros((len(queries), k), dtype=np.float32)
    counts = np.zeros(len(queries), dtype=np.int32)
    for first in range(0, len(queries), _QUERY_BLOCK):
        block = slice(first, first + _QUERY_BLOCK)
        best = (rows[block], scores[block], counts[block])
        merge(np.ascontiguousarray(queries[block]), *flatten(hidden[block]), best)
    sort_hits(scores, rows, counts)
    return rows, scores, counts


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise ImportError("The index 'sq8' needs FAISS: pip install right_hf[faiss]") from error
    return faiss
