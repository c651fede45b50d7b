"""Pools of many posts as one table, on which rankers are trained and compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.batches import batches_of_like_length
from right_hf.config import RightConfig
from right_hf.ranker import FEATURES, ClueFinder, PoolSettings, Trace, pool_table
from right_hf.generator import Generator
from right_hf.persistence import load_arrays, save_arrays
from right_hf.posts import Post
from right_hf.retriever import Retriever
from right_hf.selector import BiEncoderSelector
from right_hf.stages import run_stages

Floats = npt.NDArray[np.float32]
_BATCH = 64


class Pools(NamedTuple):
    """The pools of some posts, one after the other.

    Attributes:
        sizes: (posts,) hashtags of each pool.
        hashtags: (N,) all hashtags.
        values: (N, len(FEATURES)) their features.
        gold: (N,) which of them the post's author used.
    """

    sizes: npt.NDArray[np.int32]
    hashtags: list[str]
    values: Floats
    gold: npt.NDArray[np.bool_]

    def column(self, name: str) -> Floats:
        """(N,) a feature by its name."""
        return self.values[:, FEATURES.index(name)]

    def where(self, kept: npt.NDArray[np.bool_]) -> Pools:
        """The pools without some of their hashtags; a pool may become empty."""
        bounds = np.concatenate([[0], np.cumsum(self.sizes)])
        before = np.concatenate([[0], np.cumsum(kept)])
        sizes = (before[bounds[1:]] - before[bounds[:-1]]).astype(np.int32)
        hashtags = [self.hashtags[row] for row in np.flatnonzero(kept).tolist()]
        return Pools(sizes, hashtags, self.values[kept], self.gold[kept])

    def ranked(self, scores: npt.NDArray[Any]) -> list[list[str]]:
        """The hashtags of each pool by (-score, hashtag); (N,) scores."""
        ends = np.cumsum(self.sizes).tolist()
        rows = [range(end - size, end) for end, size in zip(ends, self.sizes.tolist(), strict=True)]
        values = scores.tolist()
        return [
            [self.hashtags[row] for row in sorted(r, key=lambda row: (-values[row], self.hashtags[row]))] for r in rows
        ]

    def save(self, path: Path) -> None:
        """Writes the pools as safetensors."""
        names = np.frombuffer("\n".join(self.hashtags).encode(), dtype=np.uint8)
        save_arrays(path, {"sizes": self.sizes, "hashtags": names, "values": self.values, "gold": self.gold})

    @classmethod
    def load(cls, path: Path) -> Pools:
        """Reads what [`save`] wrote.

        Raises:
            ValueError: The file is missing or damaged, or is of other features.
        """
        arrays, _ = load_arrays(path, ("sizes", "hashtags", "values", "gold"))
        joined = arrays["hashtags"].tobytes().decode()
        hashtags = joined.split("\n") if joined else []
        if arrays["values"].shape != (len(hashtags), len(FEATURES)) or arrays["sizes"].sum() != len(hashtags):
            raise ValueError(f"{path} holds the pools of another version. Remove it; it is made again.")
        return cls(arrays["sizes"], hashtags, arrays["values"], arrays["gold"])


def gather_pools(posts: Sequence[Post], traces: Sequence[Trace]) -> Pools:
    """The pools of posts, of which `traces` says what the stages made."""
    tables = [pool_table(trace) for trace in traces]
    sizes = np.asarray([len(table.hashtags) for table in tables], dtype=np.int32)
    hashtags = [tag for table in tables for tag in table.hashtags]
    gold = [tag in post.hashtags for post, table in zip(posts, tables, strict=True) for tag in table.hashtags]
    values = np.concatenate([np.zeros((0, len(FEATURES)), np.float32), *(table.values for table in tables)])
    return Pools(sizes, hashtags, values, np.asarray(gold, dtype=np.bool_))


def join_pools(parts: Sequence[Pools]) -> Pools:
    """Pools one after the other."""
    return Pools(
        np.concatenate([part.sizes for part in parts]),
        [tag for part in parts for tag in part.hashtags],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.gold for part in parts]),
    )


def run_pools(
    posts: Sequence[Post],
    config: RightConfig,
    retriever: Retriever,
    selector: BiEncoderSelector,
    generator: Generator,
    settings: PoolSettings,
) -> Pools:
    """Runs the stages on posts, none of them without text, and gathers their pools."""
    selector.prepare(retriever.corpus.hashtags)
    clues = ClueFinder(retriever, selector, settings)
    found: dict[int, Pools] = {}
    for rows in batches_of_like_length([post.text for post in posts], _BATCH, "pooling"):
        batch = [posts[row] for row in rows]
        traces = run_stages([post.text for post in batch], config, retriever, selector, generator, clues)
        pairs = zip(rows, batch, traces, strict=True)
        found |= {row: gather_pools([post], [trace]) for row, post, trace in pairs}
    return join_pools([found[row] for row in range(len(posts))])
