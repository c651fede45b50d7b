"""Completion beside a count made anew."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import BM25Retriever, DenseRetriever, Post, completion
from right_hf.completion import Completed, HashtagCompletion, PrefixCounts
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


def completed(completion: PrefixCounts, prefix: str, limit: int = 100) -> list[tuple[str, int]]:
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
        retriever, found = BM25Retriever.from_posts([Post("first", "alpha", ("dev ops",))]), PrefixCounts()
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
    found = PrefixCounts()
    found.change((), [Post("1", "x", ("cloud",)), Post("2", "x", ("cloud", "clown")), Post("3", "x", ("clock",))])
    assert found.most_used("clo", 2, lambda tag: tag != "cloud") == [("clock", 1), ("clown", 1)]


POSTS = [
    Post("1", "a", ("#WindowsVirtualDesktop", "#Windows")),
    Post("2", "b", ("#Windows", "#wine")),
    Post("3", "c", ("#wine", "樱花")),
    Post("4", "d", ("#Windows", "#fucking")),
]


@pytest.mark.parametrize("prefix", ["win", "#Win", " WIN "])
def test_completions_as_people_write_them_and_in_another_style(prefix: str) -> None:
    found = HashtagCompletion(BM25Retriever.from_posts(POSTS))
    most_used, second, third = found.complete(prefix)
    assert most_used == Completed("Windows", "#Windows", 3)
    assert second == Completed("wine", "#wine", 2)
    assert third == Completed("WindowsVirtualDesktop", "#WindowsVirtualDesktop", 1)
    assert found.complete(prefix, 1, style="words") == [Completed("windows", "#Windows", 3)]


def test_what_is_offensive_is_not_completed() -> None:
    assert HashtagCompletion(BM25Retriever.from_posts(POSTS)).complete("fu") == []


def test_a_corpus_that_cannot_change_is_completed_too(dense_retriever: DenseRetriever) -> None:
    tag = next(iter(dense_retriever.corpus.hashtags))
    assert HashtagCompletion(dense_retriever).complete(tag)[0].count >= 1
