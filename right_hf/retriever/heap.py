"""The best hits found so far, as a heap with the worst on top; for compiled searches."""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit


class Best(NamedTuple):
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
def worse(score_a: float, row_a: int, score_b: float, row_b: int) -> bool:
    """Whether hit a ranks below hit b in the order (-score, row)."""
    return score_a < score_b or (score_a == score_b and row_a > row_b)


@njit(cache=True, nogil=True)
def sift_down(scores: Any, rows: Any, size: int) -> None:
    """Restores the heap (worst hit on top) after its top was replaced."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not worse(scores[child], rows[child], scores[at], rows[at]):
            return
        scores[at], scores[child] = scores[child], scores[at]
        rows[at], rows[child] = rows[child], rows[at]
        at = child


@njit(cache=True, nogil=True)
def sift_up(scores: Any, rows: Any, at: int) -> None:
    """Restores the heap after a hit was appended at position `at`."""
    while at > 0:
        parent = (at - 1) // 2
        if not worse(scores[at], rows[at], scores[parent], rows[parent]):
            return
        scores[at], scores[parent] = scores[parent], scores[at]
        rows[at], rows[parent] = rows[parent], rows[at]
        at = parent


@njit(cache=True, nogil=True)
def replace_worst(scores: Any, rows: Any, size: int, score: float, row: int) -> None:
    """Puts a better hit in the place of the worst."""
    scores[0] = score
    rows[0] = row
    sift_down(scores, rows, size)


@njit(cache=True, nogil=True)
def sort_heap(scores: Any, rows: Any, size: int) -> None:
    """Orders the hits by (-score, row)."""
    # Heap sort in place: the worst hit goes to the end, the rest is a heap again.
    for end in range(size - 1, 0, -1):
        scores[0], scores[end] = scores[end], scores[0]
        rows[0], rows[end] = rows[end], rows[0]
        sift_down(scores, rows, end)


@njit(cache=True, nogil=True)
def offer(scores: Any, rows: Any, size: int, score: float, row: int) -> int:
    """Takes a hit up among the best, if it is one of them; returns how many there are now."""
    if size < len(scores):
        scores[size] = score
        rows[size] = row
        sift_up(scores, rows, size)
        return size + 1
    if worse(scores[0], rows[0], score, row):
        replace_worst(scores, rows, size, score, row)
    return size


@njit(cache=True, nogil=True)
def is_in(row: int, rows: Any) -> bool:
    """Whether a row is one of some."""
    for other in rows:  # noqa: SIM110 (generators are not compiled)
        if other == row:
            return True
    return False
