"""Boosted trees, read from LightGBM's text format by a parser that trusts nothing.

LightGBM's own reader crashes the process on a damaged file. This one takes what a ranker needs, numeric splits, and
checks every number it will follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

#: Bits of a decision type: a categorical split, the side of missing values, and what counts as missing.
_CATEGORICAL, _DEFAULT_LEFT, _MISSING, _MISSING_IS_NAN = 1, 2, 12, 8
_END = "end of trees"
#: Leaves of a tree: as many as a word has bits, see [`right_hf.ranker.quickscorer`].
MOST_LEAVES = 64


class Trees(NamedTuple):
    """An ensemble of binary decision trees, all nodes of all trees in a row.

    Attributes:
        features: (nodes,) column that a node looks at.
        thresholds: (nodes,) values up to it go left.
        missing_left: (nodes,) whether NaN goes left.
        left: (nodes,) the next node, or -1 - leaf; numbered over all trees.
        right: Likewise.
        leaves: (leaves,) what a leaf adds to the sum.
        roots: (trees,) where each begins: a node, or -1 - leaf for a tree of one leaf.
    """

    features: npt.NDArray[np.int32]
    thresholds: Values
    missing_left: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    leaves: Values
    roots: npt.NDArray[np.int32]


def tree_section(text: str) -> str:
    """LightGBM's text of a model without its training parameters: what [`parse_trees`] reads, and LightGBM too."""
    return text[: text.index(_END) + len(_END)] + "\n"


def parse_trees(text: str) -> tuple[Trees, list[str]]:
    """Reads LightGBM's text format.

    Returns:
        The trees, and the names of the columns.

    Raises:
        ValueError: It is no such text, it was cut off, or it holds what a ranker has no use for.
    """
    try:
        header, *blocks = _blocks(text)
        names = header["feature_names"].split(" ")
        if int(header["num_class"]) != 1 or int(header["num_tree_per_iteration"]) != 1:
            raise ValueError("it has several classes")
        if int(header["max_feature_idx"]) != len(names) - 1:
            raise ValueError(f"it names {len(names)} columns but counts to {header['max_feature_idx']}")
        nodes = leaves = 0
        trees: list[Trees] = []
        for block in blocks:
            trees.append(_tree(block, len(names), nodes, leaves))
            nodes += len(trees[-1].features)
            leaves += len(trees[-1].leaves)
        if not trees:
            raise ValueError("it holds no tree")
    except KeyError as error:
        raise ValueError(f"No trees in LightGBM's text format: {error} is missing.") from None
    except ValueError as error:
        raise ValueError(f"No trees in LightGBM's text format: {error}.") from None
    return Trees(*(np.concatenate(arrays) for arrays in zip(*trees, strict=True))), names


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """The header and each tree as key and value."""
    lines = text.splitlines()
    if not lines or lines[0] != "tree" or _END not in lines:
        raise ValueError("it does not begin with 'tree', or was cut off")
    block: dict[str, str] = {}
    count = 0
    for line in lines[1 : lines.index(_END)]:
        if line == f"Tree={count}":
            yield block
            block, count = {}, count + 1
        elif line:
            key, equals, value = line.partition("=")
            if not equals or key in block or key == "Tree":
                raise ValueError(f"the line {line!r:.40} does not belong there")
            block[key] = value
    yield block


def _numbers(block: dict[str, str], key: str, kind: type, count: int) -> list[Any]:
    values = [kind(value) for value in block[key].split()] if count else []
    if len(values) != count or any(map(math.isnan, values)) or (key == "leaf_value" and any(map(math.isinf, values))):
        raise ValueError(f"{key} must hold {count} numbers, it holds {block[key]!r:.40}")
    return values


def _tree(block: dict[str, str], columns: int, first_node: int, first_leaf: int) -> Trees:
    """One tree, its nodes and leaves numbered from the given numbers on."""
    size = int(block["num_leaves"])
    if size > MOST_LEAVES:
        raise ValueError(f"a tree has {size} leaves, and {MOST_LEAVES} is the most that is applied")
    if size < 1 or block["num_cat"] != "0" or block.get("is_linear", "0") != "0":
        raise ValueError("a tree has no leaf, or a kind of split that is not numeric")
    leaves = _numbers(block, "leaf_value", float, size)
    features, decisions, left, right = (
        _numbers(block, key, int, size - 1) for key in ("split_feature", "decision_type", "left_child", "right_child")
    )
    thresholds = _numbers(block, "threshold", float, size - 1)
    if not all(0 <= feature < columns for feature in features):
        raise ValueError(f"a split looks at a column beyond the {columns} there are")
    if any(decision & _CATEGORICAL or decision & _MISSING not in (0, _MISSING_IS_NAN) for decision in decisions):
        raise ValueError("a split is not numeric")
    _check_shape(left, right, size)
    # Where training saw no missing value, LightGBM takes one for 0.
    missing_left = [
        bool(decision & _DEFAULT_LEFT) if decision & _MISSING else threshold >= 0
        for decision, threshold in zip(decisions, thresholds, strict=True)
    ]

    def numbered(children: Sequence[int]) -> npt.NDArray[np.int32]:
        moved = [child + first_node if child >= 0 else child - first_leaf for child in children]
        return np.asarray(moved, dtype=np.int32)

    return Trees(
        np.asarray(features, dtype=np.int32),
        np.asarray(thresholds, dtype=np.float64),
        np.asarray(missing_left, dtype=np.bool_),
        numbered(left),
        numbered(right),
        np.asarray(leaves, dtype=np.float64),
        numbered([0 if size > 1 else -1]),
    )


def _check_shape(left: Sequence[int], right: Sequence[int], size: int) -> None:
    """Raises unless each node but the root and each leaf is the child of exactly one node before it."""
    children = [*left, *right]
    expected = {*range(1, size - 1), *range(-size, 0)} if size > 1 else set()
    later = all(child < 0 or child > node for side in (left, right) for node, child in enumerate(side))
    if len(children) != len(expected) or set(children) != expected or not later:
        raise ValueError("the nodes of a tree do not hang together")
