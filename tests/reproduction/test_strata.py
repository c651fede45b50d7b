from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reproduction.analysis.strata import (
    Strata,
    by_gold_in_text,
    by_origin,
    by_overlap,
    by_seen_gold,
    nearest_overlaps,
    score_strata,
    term_overlap,
)

from right_hf.analysis import english_words
from right_hf.evaluation import Answer, answer_statistics, score_answers
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever


def kinds(strata: Strata) -> list[str]:
    return [strata.names[row] for row in strata.rows]


def posts_with(*hashtags: tuple[str, ...]) -> list[Post]:
    return [Post(str(i), "Our Dev-Ops team", tags) for i, tags in enumerate(hashtags)]


def test_seen_gold() -> None:
    posts = posts_with(("a", "b"), ("a", "c"), ("c",), ())
    assert kinds(by_seen_gold(posts, ["a", "b"])) == ["all", "some", "none", "none"]


def test_gold_in_text() -> None:
    posts = posts_with(("devops",), ("dev ops", "team"), ("team", "cloud"), ("cloud",), ("☁",), ("eam",))
    assert kinds(by_gold_in_text(posts)) == ["all", "all", "some", "none", "none", "all"]
    assert kinds(by_gold_in_text([Post("1", "公园里的樱花开了", ("樱花", "春天"))])) == ["some"]


def test_term_overlap_worked_by_hand() -> None:
    assert term_overlap(["a", "b", "b", "c"], ["b", "c", "d"]) == pytest.approx(2 / 3)
    assert term_overlap(["a"], []) == term_overlap([], ["a"]) == 0.0


@pytest.mark.parametrize(
    ("overlap", "name"),
    [(0.0, "0 to 0.2"), (1 / 5, "0.2 to 0.4"), (3 / 5, "0.6 to 0.8"), (0.79, "0.6 to 0.8"), (1.0, "0.8 to 1")],
)
def test_a_bin_holds_its_lower_end(overlap: float, name: str) -> None:
    assert kinds(by_overlap([overlap])) == [name]


def test_nearest_overlaps(english_retriever: BM25Retriever, english_posts: list[Post]) -> None:
    queries = [
        Post("q1", "warm seas and corals"),  # e06 has warm and seas, but not corals
        Post("q2", "zzz"),
        Post("q3", "Late goal! What a match, what a team"),
    ]
    found = nearest_overlaps(english_retriever, queries, english_words)
    assert found == [pytest.approx(2 / 3), 0.0, 1.0]
    # e02's nearest training post is its near duplicate, not itself; e11 has no other with all of its words.
    twin, alone = nearest_overlaps(english_retriever, [english_posts[1], english_posts[10]], english_words)
    assert twin == 1.0 and alone < 1.0


def example() -> tuple[list[Post], list[Answer]]:
    posts = [Post("1", "x", ("a",)), Post("2", "y", ("b", "c")), Post("3", "z", ("d",))]
    return posts, [Answer(["a"], ["a"]), Answer(["z", "b"], ["z"]), Answer([], [])]


def test_scores_of_each_kind_are_those_of_its_posts_alone() -> None:
    posts, answers = example()
    scored = score_strata(by_seen_gold(posts, ["a", "b"]), {"S": answer_statistics(answers, posts, "en")})
    assert scored["title"] == "gold hashtags seen in training"
    assert {name: kind["posts"] for name, kind in scored["strata"].items()} == {"all": 1, "some": 1, "none": 1}
    for name, row in (("all", 0), ("some", 1), ("none", 2)):
        alone = score_answers(answers[row : row + 1], posts[row : row + 1], "en")
        assert scored["strata"][name]["scores"]["S"] == alone
    # F1@5 of the second post: 1 match, precision 1/5, recall 1/2.
    assert scored["strata"]["some"]["scores"]["S"]["f1@5"] == pytest.approx(100 * 2 / 7, abs=0.01)


def test_kinds_without_posts_are_left_out() -> None:
    posts, answers = example()
    scored = score_strata(by_overlap([0.5, 0.5, 1.0]), {"S": answer_statistics(answers, posts, "en")})
    assert list(scored["strata"]) == ["0.4 to 0.6", "0.8 to 1"]


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_every_post_is_in_one_kind(overlaps: list[float]) -> None:
    posts, answers = example()
    statistics = answer_statistics(answers, posts, "en")
    scored: dict[str, Any] = score_strata(by_overlap(overlaps), {"S": statistics})["strata"]
    assert sum(kind["posts"] for kind in scored.values()) == 3
    mean = sum(kind["posts"] * kind["scores"]["S"]["rouge1"] for kind in scored.values()) / 3
    assert mean == pytest.approx(100 * statistics["rouge1"].score(), abs=0.02)


def test_other_posts_are_refused() -> None:
    posts, answers = example()
    with pytest.raises(ValueError, match=r"S, rouge1: scored on 3 posts, but 2 are divided"):
        score_strata(by_overlap([0.1, 0.2]), {"S": answer_statistics(answers, posts, "en")})


def test_by_where_the_first_hashtag_comes_from() -> None:
    answers = [Answer([], ["Dev-Ops", "b"]), Answer([], ["b", "dev ops"]), Answer([], [])]
    assert kinds(by_origin(answers, [["dev ops"], ["dev ops"], ["dev ops"]])) == ["offered", "its own", "none"]
