"""Pools as the experiments use them: cut, ranked and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.persistence import load_arrays, save_arrays
from right_hf.trainers.pools import Pools


def where(pools: Pools, kept: npt.NDArray[np.bool_]) -> Pools:
    """The pools without some of their hashtags; a pool may become empty."""
    bounds = np.concatenate([[0], np.cumsum(pools.sizes)])
    before = np.concatenate([[0], np.cumsum(kept)])
    sizes = (before[bounds[1:]] - before[bounds[:-1]]).astype(np.int32)
    hashtags = [pools.hashtags[row] for row in np.flatnonzero(kept).tolist()]
    return Pools(sizes, hashtags, pools.values[kept], pools.gold[kept], pools.names)


def columns(pools: Pools, names: Sequence[str]) -> Pools:
    """The pools with some of their features.

    Raises:
        ValueError: The pools lack one.
    """
    if missing := sorted(set(names) - set(pools.names)):
        raise ValueError(f"The pools have no feature {missing[0]!r}. They have {', '.join(pools.names)}.")
    return pools._replace(values=pools.values[:, [pools.names.index(name) for name in names]], names=tuple(names))


def between(pools: Pools, first: int, last: int) -> Pools:
    """The pools of the posts from one place to another (without it)."""
    bounds = np.concatenate([[0], np.cumsum(pools.sizes)])
    rows = slice(int(bounds[first]), int(bounds[last]))
    return Pools(pools.sizes[first:last], pools.hashtags[rows], pools.values[rows], pools.gold[rows], pools.names)


def joined(parts: Sequence[Pools]) -> Pools:
    """Pools of the same features, one after the other."""
    return Pools(
        np.concatenate([part.sizes for part in parts]),
        [tag for part in parts for tag in part.hashtags],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.gold for part in parts]),
        parts[0].names,
    )


def ranked(pools: Pools, scores: npt.NDArray[Any]) -> list[list[str]]:
    """The hashtags of each pool by (-score, hashtag); (N,) scores."""
    ends = np.cumsum(pools.sizes).tolist()
    rows = [range(end - size, end) for end, size in zip(ends, pools.sizes.tolist(), strict=True)]
    values, hashtags = scores.tolist(), pools.hashtags
    return [[hashtags[row] for row in sorted(own, key=lambda row: (-values[row], hashtags[row]))] for own in rows]


def save_pools(pools: Pools, path: Path) -> None:
    """Writes pools as safetensors."""
    texts = {"hashtags": pools.hashtags, "names": pools.names}
    encoded = {name: np.frombuffer("\n".join(text).encode(), dtype=np.uint8) for name, text in texts.items()}
    save_arrays(path, {"sizes": pools.sizes, "values": pools.values, "gold": pools.gold, **encoded})


def load_pools(path: Path) -> Pools:
    """Reads what [`save_pools`] wrote.

    Raises:
        ValueError: The file is missing or damaged, or is of another version.
    """
    arrays, _ = load_arrays(path, ("sizes", "hashtags", "values", "gold", "names"))
    joined = arrays["hashtags"].tobytes().decode()
    hashtags = joined.split("\n") if joined else []
    names = tuple(arrays["names"].tobytes().decode().split("\n"))
    if arrays["values"].shape != (len(hashtags), len(names)) or arrays["sizes"].sum() != len(hashtags):
        raise ValueError(f"{path} holds the pools of another version. Remove it; it is made again.")
    return Pools(arrays["sizes"], hashtags, arrays["values"], arrays["gold"], names)
