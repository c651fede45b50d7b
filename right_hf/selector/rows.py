"""Rows of matrices in 8 bits, and matrices that grow by rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.encoders import Matrix


def quantise(vectors: Matrix) -> tuple[npt.NDArray[np.int8], Matrix]:
    """Rounds each row to whole multiples of its largest entry / 127: codes (n, d) and scales (n, 1)."""
    scales = np.abs(vectors).max(axis=1, keepdims=True, initial=0) / np.float32(127)
    codes = np.rint(vectors / np.where(scales > 0, scales, 1)).astype(np.int8)
    return codes, scales.astype(np.float32)


def with_rows(matrix: npt.NDArray[Any], first: int, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """`matrix` with `rows` written from row `first` on; a larger copy with room for more where they do not fit."""
    last = first + len(rows)
    if last > len(matrix):
        larger = np.empty((max(last, first + first // 2), rows.shape[1]), dtype=rows.dtype)
        if first:
            larger[:first] = matrix[:first]
        matrix = larger
    matrix[first:last] = rows
    return matrix
