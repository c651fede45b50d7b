from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.posts import Post
from right_hf.retriever import Hit
from right_hf.selector.ranking import HIT_SCALES, rank_candidates, ranking_score, raw_scores, relative_scores

HITS = [Hit(Post("p1", "", ("a", "b")), 2.0), Hit(Post("p2", "", ("a",)), 1.0), Hit(Post("p3", ""), 0.5)]
SIMILARITY = {"a": 0.5, "b": -0.25}

hashtags = st.lists(st.sampled_from("abcde"), unique=True)
hit_lists = st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0, 3.0]), hashtags), max_size=8).map(
    lambda rows: [
        Hit(Post(f"p{i}", "", tuple(tags)), score)
        for i, (score, tags) in enumerate(sorted(rows, key=lambda row: -row[0]))
    ]
)
similarities = st.fixed_dictionaries({tag: st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]) for tag in "abcde"})


def test_ranking_score_worked_by_hand() -> None:
    assert ranking_score([2.0], -0.25) == pytest.approx(1.75)
    assert ranking_score([2.0, 1.0], 0.5) == pytest.approx((1.5 + 0.5) * 1.1)
    assert ranking_score([1.0] * 11, 0.0) == pytest.approx(2.0)


@given(
    st.lists(st.floats(-1, 1), min_size=1, max_size=10),
    st.lists(st.integers(0, 1), min_size=30, max_size=30),
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
)
def test_scores_equal_the_papers_equations_in_matrix_form(
    scores: list[float], carried: list[int], similarity: list[float]
) -> None:
    """Section 2.2, inference, on an incidence matrix A of hits and hashtags: f = 1 A and sum_j s_ij = s A.

    Equation (1) gives the similarities; the equation after it s_i = (s A / f + similarity) (1 + (f - 1) / 10).
    """
    s = np.sort(scores)[::-1]  # (N,), of the hits
    incidence = np.array(carried[: 3 * len(s)]).reshape(len(s), 3)  # (N, M)
    hits = [
        Hit(Post(f"p{i:02}", "", tuple("abc"[m] for m in np.flatnonzero(row))), float(s[i]))
        for i, row in enumerate(incidence)
    ]
    frequency = np.ones(len(s)) @ incidence
    present = frequency > 0
    mean = (s @ incidence)[present] / frequency[present]
    expected = (mean + np.array(similarity)[present]) * (1 + (frequency[present] - 1) / 10)
    found = {c.hashtag: c.score for c in rank_candidates(raw_scores(hits), dict(zip("abc", similarity, strict=True)))}
    assert [found[tag] for tag, there in zip("abc", present, strict=True) if there] == pytest.approx(expected)
    assert len(found) == present.sum()


def test_raw_scores_worked_by_hand() -> None:
    expected: list[Any] = [
        ("a", pytest.approx(2.2), 0.5, (2.0, 1.0), ("p1", "p2")),
        ("b", pytest.approx(1.75), -0.25, (2.0,), ("p1",)),
    ]
    assert rank_candidates(raw_scores(HITS), SIMILARITY) == expected


def test_relative_scores_worked_by_hand() -> None:
    scaled = relative_scores(HITS)
    assert [hit.score for hit in scaled] == [1.0, 0.5, 0.25]
    assert [hit.post for hit in scaled] == [hit.post for hit in HITS]
    expected: list[Any] = [
        ("a", pytest.approx(1.375), 0.5, (1.0, 0.5), ("p1", "p2")),
        ("b", pytest.approx(0.75), -0.25, (1.0,), ("p1",)),
    ]
    assert rank_candidates(scaled, SIMILARITY) == expected


def test_ties_are_broken_by_hashtag() -> None:
    hits = [Hit(Post("p1", "", ("c", "a", "b")), 1.0)]
    ranked = rank_candidates(hits, dict.fromkeys("abc", 0.5))
    assert [candidate.hashtag for candidate in ranked] == ["a", "b", "c"]


def test_no_hits_no_candidates() -> None:
    for scale in HIT_SCALES.values():
        assert rank_candidates(scale([]), {}) == []


@given(hit_lists, similarities, st.sampled_from(sorted(HIT_SCALES)))
def test_order_scores_and_evidence(hits: list[Hit], similarity: dict[str, float], scale: str) -> None:
    scaled = HIT_SCALES[scale](hits)
    ranked = rank_candidates(scaled, similarity)
    assert ranked == sorted(ranked, key=lambda candidate: (-candidate.score, candidate.hashtag))
    assert {candidate.hashtag for candidate in ranked} == {tag for hit in hits for tag in hit.post.hashtags}
    assert len({candidate.hashtag for candidate in ranked}) == len(ranked)
    for candidate in ranked:
        carriers = [hit for hit in scaled if candidate.hashtag in hit.post.hashtags]
        assert candidate.evidence == tuple(hit.post.id for hit in carriers)
        assert candidate.hit_scores == tuple(hit.score for hit in carriers)
        assert candidate.similarity == similarity[candidate.hashtag]
        mean = sum(candidate.hit_scores) / len(carriers)
        assert candidate.score == pytest.approx((mean + candidate.similarity) * (0.9 + 0.1 * len(carriers)))


@given(hit_lists, st.sampled_from([0.5, 2.0, 8.0]))
def test_relative_scores_do_not_depend_on_the_unit(hits: list[Hit], factor: float) -> None:
    stretched = [Hit(hit.post, factor * hit.score) for hit in hits]
    assert relative_scores(stretched) == relative_scores(hits)
    assert all(hit.score <= 1 for hit in relative_scores(hits))
