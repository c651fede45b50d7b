"""Cosines of posts with hashtags that are kept in 8 bits, and the highest of many; compiled.

A cosine is summed in one way whatever it is asked with, so a post alone and in a batch has the same ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from right_hf.retriever.heap import replace_worst, sift_up, worse

#: What of a sum's order the compiler may choose, so that it is computed a vector at a time.
_FAST = {"reassoc", "contract"}


@njit(cache=True, nogil=True, fastmath=_FAST)
def cosines_of_all(vectors: Any, codes: Any, scales: Any) -> Any:
    """The cosine of each of some unit vectors (P, d) with each of (H, d) rounded ones: (P, H), float32."""
    found = np.empty((len(vectors), len(codes)), dtype=np.float32)
    row = np.empty(codes.shape[1], dtype=np.float32)
    for hashtag in range(len(codes)):
        for i in range(len(row)):
            row[i] = codes[hashtag, i]
        for post in range(len(vectors)):
            total = np.float32(0.0)
            for i in range(len(row)):
                total += vectors[post, i] * row[i]
            found[post, hashtag] = total * scales[hashtag, 0]
    return found


@njit(cache=True, nogil=True, fastmath=_FAST)
def cosines_of_some(vectors: Any, owners: Any, rows: Any, codes: Any, scales: Any) -> Any:
    """The cosine of each of some pairs (N,) of a vector and a rounded one, by their rows: (N,), float32 in [-1, 1]."""
    found = np.empty(len(rows), dtype=np.float32)
    for pair in range(len(rows)):
        post, hashtag = owners[pair], rows[pair]
        total = np.float32(0.0)
        for i in range(codes.shape[1]):
            total += vectors[post, i] * np.float32(codes[hashtag, i])
        found[pair] = min(np.float32(1.0), max(np.float32(-1.0), total * scales[hashtag, 0]))
    return found


@njit(cache=True, nogil=True)
def highest(values: Any, places: Any, count: int) -> Any:
    """Up to `count` of some places of `values` (H,) with the highest, of equal ones the first; in no order."""
    best = np.empty(min(count, len(places)), dtype=np.float32)
    rows = np.empty(len(best), dtype=np.int64)
    size = 0
    for place in places:
        value = values[place]
        if size < len(best):
            best[size], rows[size] = value, place
            sift_up(best, rows, size)
            size += 1
        elif worse(best[0], rows[0], value, place):
            replace_worst(best, rows, size, value, place)
    return rows
