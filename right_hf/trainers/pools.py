"""Pools of many posts as one table, on which rankers are trained and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.posts import Post
from right_hf.progress import bar, batches_of_like_length
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


def run_batches(posts: Sequence[Post], stages: Stages, whens: Sequence[float | None] = (None,)) -> list[Trace]:
    """What the stages make of posts, none of them without text, a batch of like length at a time.

    Args:
        posts: The posts.
        stages: The stages.
        whens: How often each post goes through them: once with each `generate_when` of [`right_hf.stages.Stages.run`].

    Returns:
        The traces of all posts with the first of `whens`, then those with the next.
    """
    found: dict[tuple[int, int], Trace] = {}
    for rows in batches_of_like_length([post.text for post in posts], _BATCH, "pooling"):
        for turn, when in enumerate(whens):
            traces = stages.run([posts[row].text for row in rows], generate_when=when)
            found |= {(turn, row): trace for row, trace in zip(rows, traces, strict=True)}
    return [found[key] for key in sorted(found)]


def run_pools(posts: Sequence[Post], stages: Stages, whens: Sequence[float | None] = (None,)) -> Pools:
    """Runs the stages, which have pool settings, on posts, none of them without text, and gathers their pools.

    With popular hashtags in the pool the posts stream past, see [`run_stream`], and the retriever's corpus holds them
    afterwards. With several `whens` a post has as many pools, see [`run_batches`].
    """
    run = run_stream if stages.pool is not None and stages.pool.popular else run_batches
    return gather_pools(list(posts) * len(whens), run(posts, stages, whens))


def run_stream(posts: Sequence[Post], stages: Stages, whens: Sequence[float | None] = (None,)) -> list[Trace]:
    """What the stages make of each post at its own time, one post after the other, as a served model would meet them.

    Each joins the corpus once its trace is made. Posts of the corpus that are younger than the oldest of these are
    taken out first, and come back when it is their turn: no post is seen with itself or with what came later. Posts
    that tell no time come last, at the present: of them nothing more is known, and long before it popular hashtags are
    no longer so.

    Args:
        posts: The posts, none of them without text.
        stages: With popular hashtags in the pool; their corpus holds all posts afterwards, these as "pooled:…".
        whens: See [`run_batches`].
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
    found: dict[tuple[int, int], Trace] = {}
    for _, _, _, row, post in bar(sorted(turns, key=lambda turn: turn[:4]), "pooling", "post"):
        if row >= 0:
            for turn, when in enumerate(whens):
                [found[turn, row]] = stages.run([post.text], now=times[row], generate_when=when)
            post = replace(post, id=f"pooled:{post.id}")
        retriever.add([post])
        selector.prepare(post.hashtags)
    return [found[key] for key in sorted(found)]
