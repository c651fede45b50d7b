"""Posts that nobody would write: a few of those that training/fuzz.py sends in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest
from fuzz import fuzz, real_posts, table
from fuzzing.answers import problems
from fuzzing.changes import change_all
from fuzzing.found import Faults
from fuzzing.posts import longest_posts, posts
from fuzzing.recommending import growth
from fuzzing.text_side import TextSide

from right_hf import BM25Retriever, Post, Recommendation
from right_hf.posts import prepared
from right_hf.ranker.mentions import MentionFinder
from right_hf.reading import Reader
from right_hf.text.cleaning import MAX_POST_CHARACTERS, read_post
from right_hf.text.words import words

REAL = (
    "Geeks guide to #WindowsVirtualDesktop &amp; Teams",
    "机器学习 for 王小明先生 https://t.co/x",
    "C++ or .NET? #c#",
)
#: A stage that takes longer is not linear; what a stage takes on a quiet core is measured by the script.
SECONDS = 2.0


@pytest.fixture
def retriever() -> BM25Retriever:
    return BM25Retriever.from_posts([Post(str(row), text, ("tag", "学习")) for row, text in enumerate(REAL)])


def test_posts_are_the_same_for_the_same_seed() -> None:
    assert list(posts(200, 3, REAL)) == list(posts(200, 3, REAL)) != list(posts(200, 4, REAL))
    assert all(len(post) == MAX_POST_CHARACTERS for post in longest_posts(0, REAL))


def test_the_text_side_takes_whatever_comes(retriever: BM25Retriever) -> None:
    faults = Faults()
    side = TextSide(retriever, faults)
    side.measure([*posts(60, 1, REAL), *islice(longest_posts(1, REAL), 0, None, 20)])
    assert not faults.counts, faults.as_dict()
    assert max(side.as_dict()["worst"].values()) < 1000 * SECONDS


def test_an_index_takes_whatever_comes() -> None:
    faults = Faults()
    done = change_all(posts(60, 2, REAL), 2, faults)
    assert not faults.counts, faults.as_dict()
    assert done["posts"] == 60
    assert 0 < done["refused"] < 60


def entry(hashtag: str = "music", score: float = 0.5, source: str = "post", evidence: Sequence[str] = ()) -> object:
    return Recommendation(hashtag, score, source, list(evidence), posted=f"#{hashtag}")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "asked", "wrong"),
    [
        ([entry()], {}, None),
        ([entry(), entry("Music")], {}, "twice"),
        ([entry(score=1.5)], {}, "score outside"),
        ([entry(score=0.1), entry("art", 0.2)], {}, "descend"),
        ([entry(score=0.1), entry("art", 0.2)], {"diversity": 0.5}, None),
        ([entry("2024")], {}, "posted"),
        ([entry(source="retrieved")], {}, "without evidence"),
        ([entry(source="retrieved", evidence=["1"])], {}, None),
        ([entry("fuck")], {}, "safety"),
        ([entry()], {"allowed": ("art",)}, "not allowed"),
        ([entry()], {"blocked": ("music",)}, "blocked"),
        ([entry(evidence=["\ud800"])], {}, "UTF-8"),
    ],
)
def test_problems_of_an_answer(answer: list[Recommendation], asked: dict[str, object], wrong: str | None) -> None:
    found = list(problems(answer, asked))
    assert len(found) == (wrong is not None), found
    assert wrong is None or wrong in found[0]


def test_memory_counts_after_warming_up() -> None:
    assert growth([100.0, 300.0]) is None
    assert growth([100.0, 200.0, 300.0, 300.0, 300.0, 315.0]) == 0.05


@pytest.mark.parametrize("text", ["今天的天气很好", "我们", "今日は天気", "รักเมืองไทย", "two words"])
def test_posts_of_scripts_without_spaces_say_something(retriever: BM25Retriever, text: str) -> None:
    assert Reader(retriever).says_something(text)


@pytest.mark.parametrize("text", ["我", "a b c", "word", "word word word", "", "!"])
def test_one_sign_or_word_alone_says_nothing(retriever: BM25Retriever, text: str) -> None:
    assert not Reader(retriever).says_something(text)


def test_signs_that_stand_for_phrases_are_read_up_to_the_same_length() -> None:
    assert 0 < len(read_post("ﷺ" * MAX_POST_CHARACTERS).text) < MAX_POST_CHARACTERS
    assert read_post("é…" * (MAX_POST_CHARACTERS // 4)).text == "é…" * (MAX_POST_CHARACTERS // 4)


def test_joiners_between_spaces_leave_one_space() -> None:
    assert read_post("one \u200d two").text == "one two"


@pytest.mark.parametrize("hashtag", ["＠someone", "﹫someone", "a＜b", "a﹥"])
def test_signs_that_become_markup_are_in_no_hashtag(hashtag: str) -> None:
    # Else a post could be prepared once, and would be refused by whoever prepares it again.
    with pytest.raises(ValueError, match="no account and hold no markup"):
        prepared(Post("1", "text", (hashtag,)))


def test_the_rarest_phrases_come_first(retriever: BM25Retriever) -> None:
    rarity = {"new": 1.0, "york": 3.0, "pizza": 2.0}
    found = MentionFinder(lambda word: word in rarity).find("New York pizza", retriever.corpus)
    phrases = ["york", "pizza", "york pizza", "new", "new york", "new york pizza"]
    assert list(found.unknown(rarity.__getitem__)) == phrases
    assert set(found) == set(phrases)
    assert len(found) == len(phrases)
    assert found["york pizza"].words == found.word_count("york pizza") == 2
    assert "tag" not in found
    assert found.known == []


def test_words_are_found_the_same_beside_other_scripts() -> None:
    plain = "C++ and node.js, don't stop: ASP.NET"
    assert words(f"{plain} é {plain}") == [*words(plain), "é", *words(plain)]


@pytest.mark.slow
def test_posts_of_all_kinds_go_through_every_way_in(tmp_path: Path) -> None:
    report = fuzz(300, 5, real_posts(None), ["text", "add", "recommend", "command"])
    assert not report["faults"]["counts"], json.dumps(report["faults"], indent=1)
    assert report["recommend"]["answered"] > 200
    assert "worst of" in table(report)
