"""Association: what stands beside hashtags, and what of it a pool takes."""

from __future__ import annotations

import copy
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf import BM25Retriever, Corpus, Post
from right_hf.ranker.association import Association, Associations
from right_hf.ranker.pool import PoolSettings

POSTS = [
    Post("1", "sushi at the pier", ("sushi", "foodie")),
    Post("2", "more sushi", ("sushi", "foodie", "yum")),
    Post("3", "a cat", ("cat",)),
    Post("4", "lunch", ("foodie",)),
]
TAGS = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)


def test_association_worked_by_hand() -> None:
    found = Associations().of(["sushi"], Corpus(POSTS))
    assert list(found) == ["foodie", "yum"]
    assert found["foodie"] == pytest.approx(Association(2 / 5, math.log(2 / 5 / (3 / 4)), 1))
    assert found["yum"] == pytest.approx(Association(1 / 5, math.log(1 / 5 / (1 / 4)), 1))
    assert not Associations().of(["cat", "nobody's"], Corpus(POSTS))


def test_the_best_of_several_seeds_counts() -> None:
    found = Associations().of(["yum", "sushi"], Corpus(POSTS))
    assert found["foodie"].seeds == 2
    assert found["foodie"].share == pytest.approx(2 / 5)


def test_a_changed_corpus_is_counted_anew() -> None:
    associations, corpus = Associations(), Corpus(POSTS)
    assert "cat" not in associations.of(["sushi"], corpus)
    changed = corpus.changed([Post("5", "a cat eats sushi", ("cat", "sushi"))], [])
    assert "cat" in copy.deepcopy(associations).of(["sushi"], changed)
    assert "cat" in associations.of(["sushi"], changed)
    assert "cat" not in associations.of(["sushi"], corpus)


@settings(max_examples=50)
@given(lists=st.lists(TAGS, min_size=2, max_size=12), gone=st.integers(0, 3), most=st.integers(1, 12))
def test_what_stands_beside_a_hashtag_is_that_of_its_latest_carriers(
    lists: list[list[str]], gone: int, most: int
) -> None:
    posts = [Post(f"{row:02}", f"text {row}", tuple(tags)) for row, tags in enumerate(lists)]
    corpus = Corpus(posts[:1]).changed(posts[1:], [])
    places = [place for post in posts[:gone] if (place := corpus.place(post.id)) is not None][: len(posts) - 1]
    corpus = corpus.changed([], places)
    for tag in "abcde":
        uses, beside = corpus.beside(tag, most)
        carriers = corpus.carriers(tag, most)
        assert uses == len(carriers)
        assert beside == Counter(other for post in carriers for other in post.hashtags if other != tag)


@settings(max_examples=50)
@given(st.lists(st.lists(st.sampled_from(["sea", "sun", "sand", "the"]), min_size=1, max_size=5), min_size=1))
def test_holders_are_the_posts_with_all_terms(texts: list[list[str]]) -> None:
    texts = [*texts, ["sea"]]  # stop words alone cannot be searched
    posts = [Post(f"{row}", " ".join(words), ("x",)) for row, words in enumerate(texts)]
    retriever = BM25Retriever.from_posts(posts, analyser="english")
    for phrase in ("sea", "sun sand", "sea sun sand", "moon", "sea moon", "the"):
        terms = {word for word in phrase.split() if word != "the"}
        expected = sum(terms <= set(words) for words in texts) if terms else 0
        assert retriever.holders(phrase) == expected, phrase


def test_settings_refuse_fewer_than_none() -> None:
    assert PoolSettings(associated=0).associated == 0
    with pytest.raises(ValueError, match="associated must be a whole number of at least 0, got -1"):
        PoolSettings(associated=-1)
