"""Posts in a language that the corpus does not know."""

from __future__ import annotations

import logging

import pytest

from right_hf import BM25Retriever, Post, RightModel
from right_hf.languages import is_foreign, warn_of_foreign

GERMAN = "Heute Morgen sahen wir im Park einen wunderschönen Sonnenaufgang"
CHINESE = "今天早上在公园里散步空气真好"
ENGLISH = "This morning we saw a beautiful sunrise in the park"


@pytest.fixture(scope="module")
def english() -> RightModel:
    return RightModel.from_pretrained("right-en-small")


@pytest.mark.parametrize(
    ("text", "foreign"), [(GERMAN, True), (CHINESE, True), (ENGLISH, False), ("Sonnenaufgang", False)]
)
def test_what_is_foreign_to_the_english_checkpoint(english: RightModel, text: str, foreign: bool) -> None:
    assert is_foreign(text, english.retriever) == foreign


@pytest.mark.parametrize(("text", "foreign"), [(GERMAN, True), (CHINESE, False), (ENGLISH, True)])
def test_what_is_foreign_to_the_chinese_checkpoint(text: str, foreign: bool) -> None:
    assert is_foreign(text, RightModel.from_pretrained("right-zh-small").retriever) == foreign


def test_a_small_corpus_says_nothing() -> None:
    retriever = BM25Retriever.from_posts([Post("1", ENGLISH, ("sunrise",))], analyser="english")
    assert not is_foreign(GERMAN, retriever)


def test_a_foreign_post_gets_its_own_words_and_one_warning(
    english: RightModel, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_foreign.cache_clear()
    with caplog.at_level(logging.WARNING, logger="right_hf"):
        answers = english.recommend([GERMAN, GERMAN], threshold=0, top_k=20)
    assert [record.getMessage() for record in caplog.records if "another language" in record.getMessage()] != []
    assert len(caplog.records) == 1
    assert answers[0] == answers[1]
    assert answers[0]
    for one in answers[0]:
        assert one.hashtag.replace(" ", "") in GERMAN.lower().replace(" ", "")
        assert one.score <= 0.1
