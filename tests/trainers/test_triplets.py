from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.trainers.contrastive import Triplet
from right_hf.trainers.selector import selector_triplets
from right_hf.trainers.wordnet import no_synonyms

SYNONYMS = {"climate": ("clime",), "change": ("alteration", "modification")}


@dataclass(frozen=True)
class Record:
    """What the triplets read of a post."""

    id: str
    text: str
    hashtags: tuple[str, ...]


POSTS: list[Any] = [
    Record("p1", "It gets warmer", ("climate change", "climate", "change")),
    Record("p2", "Nothing to tag", ()),
    Record("p3", "It gets colder", ("climate change", "winter")),
]


def thesaurus(word: str) -> tuple[str, ...]:
    return SYNONYMS.get(word, ())


def test_one_triplet_per_post_and_gold_hashtag_in_order() -> None:
    triplets = selector_triplets(POSTS, thesaurus, 0, "en")
    assert [triplet[:2] for triplet in triplets] == [
        ("It gets warmer", "climate change"),
        ("It gets warmer", "climate"),
        ("It gets warmer", "change"),
        ("It gets colder", "climate change"),
        ("It gets colder", "winter"),
    ]
    assert Triplet._fields == ("anchor", "positive", "negative")


@given(st.integers())
def test_negative_is_no_gold_hashtag_of_its_post(seed: int) -> None:
    for post in POSTS:
        for triplet in selector_triplets([post], thesaurus, seed, "en"):
            assert triplet.negative not in post.hashtags


@given(st.permutations(POSTS), st.integers())
def test_triplets_of_a_post_do_not_depend_on_the_other_posts(posts: list[Any], seed: int) -> None:
    together = selector_triplets(posts, thesaurus, seed, "en")
    alone = [triplet for post in posts for triplet in selector_triplets([post], thesaurus, seed, "en")]
    assert together == alone


def test_seed_and_post_id_both_change_the_negatives() -> None:
    def negatives(seed: int, post_id: str) -> list[str]:
        post: Any = Record(post_id, "text", tuple(f"climate change {n}" for n in range(20)))
        return [triplet.negative for triplet in selector_triplets([post], thesaurus, seed, "en")]

    assert negatives(0, "a") == negatives(0, "a")
    assert negatives(0, "a") != negatives(1, "a")
    assert negatives(0, "a") != negatives(0, "b")


@pytest.mark.slow
def test_equal_in_another_process_with_another_hash_seed() -> None:
    code = (
        "from types import SimpleNamespace as P; from right_hf.trainers.selector import selector_triplets as s;"
        "print([t.negative for t in s([P(id='p', text='t', hashtags=('climate change now', 'lit'))],"
        "lambda w: (), 5, 'en')])"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    post: Any = Record("p", "t", ("climate change now", "lit"))
    assert results == {f"{[t.negative for t in selector_triplets([post], no_synonyms, 5, 'en')]}\n"}


def test_chinese_posts() -> None:
    post: Any = Record("zh", "拍虐猫视频大学生道歉了", ("大学生道歉",))
    (triplet,) = selector_triplets([post], no_synonyms, 0, "zh")
    assert triplet.negative != triplet.positive
    assert set(triplet.negative) <= set(triplet.positive)


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown language"):
        selector_triplets(POSTS, thesaurus, 0, "de")
