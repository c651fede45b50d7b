"""Boosted trees applied to rows of features, by QuickScorer (Lucchese et al., SIGIR 2015).

A tree of up to 64 leaves is a word of bits, one a leaf from left to right. A split that sends a row to the right rules
out the leaves at its left; when all such splits are found, the lowest bit left is the row's leaf. Splits are looked at
feature by feature in the order of their thresholds, so that of each feature only those are touched that do so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from right_hf.ranker.trees import Trees

_ALL = 0xFFFF_FFFF_FFFF_FFFF
#: A de Bruijn sequence: multiplied by a power of two, its highest six bits say which one (Leiserson et al., 1998).
_DE_BRUIJN = np.uint64(0x03F7_9D71_B4CB_0A89)
_BIT = np.zeros(64, dtype=np.uint8)
_BIT[[(int(_DE_BRUIJN) << bit & _ALL) >> 58 for bit in range(64)]] = np.arange(64)


class Splits(NamedTuple):
    """Splits of all trees, feature by feature.

    Attributes:
        starts: (features + 1,) where each feature begins.
        trees: (splits,) the tree of each.
        masks: (splits,) the leaves that are left to a row that goes to the right: uint64.
        thresholds: (splits,) ascending in each feature; greater values go to the right.
    """

    starts: npt.NDArray[np.int64]
    trees: npt.NDArray[np.int32]
    masks: npt.NDArray[np.uint64]
    thresholds: npt.NDArray[np.float32]


class TreeSums:
    """What an ensemble adds up to for rows of features.

    Args:
        trees: The ensemble; a tree has at most 64 leaves.
        columns: Features of a row.
    """

    def __init__(self, trees: Trees, columns: int) -> None:
        owners, masks, places, self._firsts = _leaf_masks(trees)
        self._leaves = np.empty_like(trees.leaves)
        self._leaves[places] = trees.leaves
        # The greatest float32 that goes to the left: values are in float32, so the same ones do.
        thresholds = trees.thresholds.astype(np.float32)
        above = thresholds > trees.thresholds
        thresholds[above] = np.nextafter(thresholds[above], np.float32(-np.inf))

        def splits(chosen: npt.NDArray[Any]) -> Splits:
            order = chosen[np.lexsort((thresholds[chosen], trees.features[chosen]))]
            starts = np.searchsorted(trees.features[order], np.arange(columns + 1))
            return Splits(starts, owners[order], masks[order], thresholds[order])

        self._splits = splits(np.arange(len(trees.features)))
        self._of_missing = splits(np.flatnonzero(~trees.missing_left))

    def __call__(self, rows: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The sums of rows, (R, features) to (R,); NaN is a missing value."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        return np.asarray(_sums(rows, self._splits, self._of_missing, self._leaves, self._firsts, _BIT))


def _leaf_masks(trees: Trees) -> tuple[Any, Any, Any, Any]:
    """For each node its tree and mask; for each leaf its place from left to right; the first leaf of each tree."""
    nodes, leaves = len(trees.features), len(trees.leaves)
    left, right = trees.left.tolist(), trees.right.tolist()
    sizes = [0] * nodes  # leaves below each node; children come after their parents
    for node in reversed(range(nodes)):
        sizes[node] = sum(sizes[child] if child >= 0 else 1 for child in (left[node], right[node]))
    owners, masks, begins, places = [0] * nodes, [0] * nodes, [0] * nodes, [0] * leaves
    firsts: list[int] = []
    first = 0
    for tree, root in enumerate(trees.roots.tolist()):
        firsts.append(first)
        if root < 0:
            places[-1 - root], first = first, first + 1
            continue
        begins[root], owners[root] = first, tree
        first += sizes[root]
    for node in range(nodes):
        at, tree = begins[node], owners[node]
        width = sizes[left[node]] if left[node] >= 0 else 1
        masks[node] = _ALL ^ ((1 << width) - 1) << (at - firsts[tree])
        for child, begin in ((left[node], at), (right[node], at + width)):
            if child >= 0:
                begins[child], owners[child] = begin, tree
            else:
                places[-1 - child] = begin
    return np.asarray(owners, np.int32), np.asarray(masks, np.uint64), np.asarray(places), np.asarray(firsts, np.int32)


@njit(cache=True, nogil=True)
def _sums(rows: Any, splits: Splits, of_missing: Splits, leaves: Any, firsts: Any, bit: Any) -> Any:
    starts, trees, masks, thresholds = splits
    missing_starts, missing_trees, missing_masks, _ = of_missing
    sums = np.zeros(len(rows))
    left = np.empty(len(firsts), dtype=np.uint64)
    for row in range(len(rows)):
        left[:] = np.uint64(_ALL)
        for feature in range(rows.shape[1]):
            value = rows[row, feature]
            if np.isnan(value):
                for split in range(missing_starts[feature], missing_starts[feature + 1]):
                    left[missing_trees[split]] &= missing_masks[split]
                continue
            for split in range(starts[feature], starts[feature + 1]):
                if thresholds[split] >= value:
                    break
                left[trees[split]] &= masks[split]
        total = 0.0
        for tree in range(len(firsts)):
            lowest = left[tree] & (~left[tree] + np.uint64(1))
            total += leaves[firsts[tree] + bit[(lowest * _DE_BRUIJN) >> np.uint64(58)]]
        sums[row] = total
    return sums
