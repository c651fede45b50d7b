"""What a changed index is compared with, an index built anew from the same posts; and processes that die."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from right_hf import persistence
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.selector.ranking import Candidate, rank_candidates

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "the"]
TAGS = ["x", "y", "z"]
QUERIES = ["alpha", "beta gamma beta", "delta epsilon alpha", "the unknown"]
FIRST = Post("m", "alpha beta", ("x",))


def candidates(retriever: BM25Retriever) -> list[list[Candidate]]:
    """The ranked hashtags with their evidence, for a selector that knows nothing."""
    return [
        rank_candidates(hits, dict.fromkeys(retriever.corpus.hashtags, 0.0)) for hits in retriever.search(QUERIES, 3)
    ]


def assert_equals_a_new_index(retriever: BM25Retriever, posts: list[Post]) -> None:
    corpus = retriever.corpus
    assert (len(corpus), list(corpus)) == (len(posts), sorted(posts, key=lambda post: post.id))
    assert {tag: corpus.hashtag_count(tag) for tag in TAGS} == {
        tag: sum(tag in post.hashtags for post in posts) for tag in TAGS
    }
    assert corpus.hashtags == sorted({tag for post in posts for tag in post.hashtags})
    assert corpus.get("") is None
    if not any(word in post.text for post in posts for word in WORDS[:-1]):
        assert retriever.search(QUERIES) == [[]] * len(QUERIES)
        return
    anew = BM25Retriever.from_posts(posts)
    hidden = [[posts[0].id, "none"]] * len(QUERIES)
    for k in (1, 3, 100):
        assert retriever.search(QUERIES, k) == anew.search(QUERIES, k)  # to the last bit of each score
        assert retriever.search(QUERIES, k, hidden) == anew.search(QUERIES, k, hidden)
    assert candidates(retriever) == candidates(anew)


@contextmanager
def dying(home: Path, moment: int, exchanges: bool) -> Iterator[Path]:
    """Copies what is on the disk before step number `moment` of the block, as a process killed then would leave it.

    Steps are flushes and renames; of a block with fewer of them there are no remains. Without `exchanges` the system
    cannot exchange two folders in one step.
    """
    remains = home.with_name(f"{home.name}-remains")
    steps = itertools.count()

    def step() -> None:
        if next(steps) == moment:
            shutil.copytree(home, remains, symlinks=True)

    def rename(old: Path, new: Path) -> None:
        step()
        os.rename(old, new)

    def exchange(a: Path, b: Path) -> bool:
        step()
        return exchanges and persistence_exchange(a, b)

    persistence_exchange = persistence._exchange
    with (
        mock.patch("os.fsync", lambda _: step()),
        mock.patch("os.replace", rename),
        mock.patch.object(persistence, "_exchange", exchange),
    ):
        yield remains
