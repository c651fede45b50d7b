"""Completion beside a count made anew."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import BM25Retriever, Post
from right_hf.server import completion
from right_hf.server.completion import Completion
from right_hf.text.hashtags import hashtag_key

TAGS = ("dev ops", "devops", "dev", "Development", "c#", "c", "c++", "春天", "春天来了", "éclair", "e", "2024")
PREFIXES = ("", "#", "d", "Dev", "#DevO", "dev o", "c", "C#", "春", "e", "é", "2", "zz")
hashtags = st.lists(st.sampled_from(TAGS), max_size=3).map(tuple)


def counted(posts: list[Post], prefix: str) -> list[tuple[str, int]]:
    """The brute force way, by key."""
    counts = Counter(hashtag_key(tag) for post in posts for tag in post.hashtags)
    start = hashtag_key(prefix)
    found = [(key, count) for key, count in counts.items() if key.startswith(start)]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def completed(completion: Completion, prefix: str, limit: int = 100) -> list[tuple[str, int]]:
    return [(hashtag_key(tag), count) for tag, count in completion.most_used(prefix, limit)]


@pytest.mark.parametrize("few", [1_000, 1])
@given(
    steps=st.lists(st.tuples(st.sampled_from(["add", "update", "remove"]), st.integers(0, 5), hashtags), max_size=20)
)
def test_it_keeps_in_step_with_whatever_happens_to_a_corpus(
    few: int, steps: list[tuple[str, int, tuple[str, ...]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completion, "_FEW", few)
        retriever, found = BM25Retriever.from_posts([Post("first", "alpha", ("dev ops",))]), Completion()
        retriever.follow(found.change)
        for what, number, tags in steps:
            post, held = Post(str(number), "alpha beta", tags), retriever.corpus.get(str(number)) is not None
            if what == "add" and not held:
                retriever.add([post])
            elif what == "update" and held:
                retriever.update([post])
            elif what == "remove" and held:
                retriever.remove([post.id])
            posts = list(retriever.corpus)
            assert len(found) == len(retriever.corpus.hashtags)
            for prefix in PREFIXES:
                assert completed(found, prefix) == counted(posts, prefix)
                assert completed(found, prefix, 2) == counted(posts, prefix)[:2]
        for tag, count in found.most_used("", 100):
            assert count == retriever.corpus.hashtag_count(tag)


def test_unwanted_ones_take_nobodys_place() -> None:
    found = Completion()
    found.change((), [Post("1", "x", ("cloud",)), Post("2", "x", ("cloud", "clown")), Post("3", "x", ("clock",))])
    assert found.most_used("clo", 2, lambda tag: tag != "cloud") == [("clock", 1), ("clown", 1)]
