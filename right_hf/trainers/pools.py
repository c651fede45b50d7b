"""Pools of many posts as one table, on which rankers are trained and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.posts import Post
from right_hf.progress import bar, batches_of_like_length
from right_hf.ranker.features import FEATURES
from right_hf.ranker.records import Trace
from right_hf.stages import Stages
from right_hf.times import seconds

Floats = npt.NDArray[np.float32]
_BATCH = 64


class Pools(NamedTuple):
    """The pools of some posts, one after the other.

    Attributes:
        sizes: (posts,) hashtags of each pool.
        hashtags: (N,) all hashtags.
        values: (N, F) their features.
        gold: (N,) which of them the post's author used.
        names: (F,) of the features.
    """

    sizes: npt.NDArray[np.int32]
    hashtags: list[str]
    values: Floats
    gold: npt.NDArray[np.bool_]
    names: tuple[str, ...]

    def column(self, name: str) -> Floats:
        """(N,) a feature by its name."""
        return self.values[:, self.names.index(name)]

    def of_features(self, names: Sequence[str]) -> Pools:
        """The same pools with these features alone."""
        return self._replace(values=np.stack([self.column(name) for name in names], axis=1), names=tuple(names))


def gather_pools(posts: Sequence[Post], traces: Sequence[Trace]) -> Pools:
    """The pools of posts, at least one, of which `traces` says what the stages made; they ran with pool settings."""
    tables = [trace.features for trace in traces if trace.features is not None]
    sizes = np.asarray([len(table.hashtags) for table in tables], dtype=np.int32)
    hashtags = [tag for table in tables for tag in table.hashtags]
    gold = [tag in post.hashtags for post, table in zip(posts, tables, strict=True) for tag in table.hashtags]
    values = np.concatenate([table.values for table in tables]).astype(np.float32)
    return Pools(sizes, hashtags, values, np.asarray(gold, dtype=np.bool_), tables[0].names)


def without_generator(pools: Pools) -> Pools:
    """The same pools as if there had been no generator: without its columns, and the hashtags that it alone has.

    Args:
        pools: With all columns of [`right_hf.ranker.features`].
    """
    written = ~np.isnan(pools.column("generator_rank"))
    alone = written & (pools.column("pool_sources") == 1) & np.isnan(pools.column("popularity_rank"))
    owners = np.repeat(np.arange(len(pools.sizes)), pools.sizes)[~alone]
    sizes = np.bincount(owners, minlength=len(pools.sizes)).astype(np.int32)
    values, place = pools.values[~alone], pools.names.index
    for name in FEATURES:
        if name.startswith("generator_"):
            values[:, place(name)] = np.nan
    values[:, place("pool_sources")] -= written[~alone]
    cosines = values[:, place("selector_cosine")]
    best = np.full(len(sizes), -np.inf, dtype=np.float32)
    np.maximum.at(best, owners, cosines)
    values[:, place("selector_gap")] = cosines - best[owners]
    kept = [hashtag for hashtag, left_out in zip(pools.hashtags, alone.tolist(), strict=True) if not left_out]
    return Pools(sizes, kept, values, pools.gold[~alone], pools.names)


def joined(first: Pools, second: Pools) -> Pools:
    """Two lots of pools with the same features as one."""
    return Pools(
        np.concatenate([first.sizes, second.sizes]),
        first.hashtags + second.hashtags,
        np.concatenate([first.values, second.values]),
        np.concatenate([first.gold, second.gold]),
        first.names,
    )


def run_batches(posts: Sequence[Post], stages: Stages) -> list[Trace]:
    """What the stages make of posts, none of them without text, a batch of like length at a time."""
    found: dict[int, Trace] = {}
    for rows in batches_of_like_length([post.text for post in posts], _BATCH, "pooling"):
        found |= zip(rows, stages.run([posts[row].text for row in rows]), strict=True)
    return [found[row] for row in range(len(posts))]


def run_pools(posts: Sequence[Post], stages: Stages) -> Pools:
    """Runs the stages, which have pool settings, on posts, none of them without text, and gathers their pools.

    With popular hashtags in the pool the posts stream past, see [`run_stream`], and the retriever's corpus holds them
    afterwards.
    """
    popular = stages.pool is not None and stages.pool.popular
    return gather_pools(posts, run_stream(posts, stages) if popular else run_batches(posts, stages))


def run_stream(posts: Sequence[Post], stages: Stages) -> list[Trace]:
    """What the stages make of each post at its own time, one post after the other, as a served model would meet them.

    Each joins the corpus once its trace is made. Posts of the corpus that are younger than the oldest of these are
    taken out first, and come back when it is their turn: no post is seen with itself or with what came later. Posts
    that tell no time come last, at the present: of them nothing more is known, and long before it popular hashtags are
    no longer so.

    Args:
        posts: The posts, none of them without text.
        stages: With popular hashtags in the pool; their corpus holds all posts afterwards, these as "pooled:…".
    """
    retriever, selector = stages.retriever, stages.selector
    times = [seconds(post.created_at) for post in posts]
    first = min((time for time in times if time is not None), default=float("inf"))
    waiting = [(time, post) for post in retriever.corpus if (time := seconds(post.created_at)) and time >= first]
    if waiting:
        retriever.remove([post.id for _, post in waiting])
    # Of the same moment those to be traced come first, which then do not see the others.
    turns: list[tuple[float, int, str, int, Post]] = [(time, 1, post.id, -1, post) for time, post in waiting]
    for row, (time, post) in enumerate(zip(times, posts, strict=True)):
        turns.append((float("inf") if time is None else time, 0, post.id, row, post))
    found: dict[int, Trace] = {}
    for _, _, _, row, post in bar(sorted(turns, key=lambda turn: turn[:4]), "pooling", "post"):
        if row >= 0:
            found[row] = stages.run([post.text], now=times[row])[0]
            post = replace(post, id=f"pooled:{post.id}")
        retriever.add([post])
        selector.prepare(post.hashtags)
    return [found[row] for row in range(len(posts))]
