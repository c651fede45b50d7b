from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.ranker.diversity import marginal_relevance

#: Few values, so that there are ties, and sums of them are exact.
units = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def pools(draw: st.DrawFn) -> tuple[Any, Any]:
    size = draw(st.integers(0, 7))
    scores = np.array(draw(st.lists(units, min_size=size, max_size=size)))
    half = np.array(draw(st.lists(units, min_size=size * size, max_size=size * size))).reshape(size, size)
    return scores, np.maximum(half, half.T)


def by_definition(scores: Any, similarities: Any, diversity: float) -> list[int]:
    """The formula, word for word."""
    left, chosen = list(range(len(scores))), list[int]()
    while left:
        worth = {
            i: (1 - diversity) * scores[i] - diversity * max(similarities[i, j] for j in chosen)
            if chosen
            else scores[i]
            for i in left
        }
        chosen.append(max(left, key=lambda i: (worth[i], -i)))
        left.remove(chosen[-1])
    return chosen


@given(pools(), units, st.integers(0, 9))
def test_it_is_the_formula(pool: tuple[Any, Any], diversity: float, count: int) -> None:
    expected = by_definition(*pool, diversity)
    assert marginal_relevance(*pool, diversity) == expected
    assert marginal_relevance(*pool, diversity, count) == expected[:count]


@given(pools())
def test_without_diversity_the_scores_alone_decide(pool: tuple[Any, Any]) -> None:
    scores, similarities = pool
    assert marginal_relevance(scores, similarities, 0) == sorted(range(len(scores)), key=lambda i: (-scores[i], i))


@given(pools(), units)
def test_the_best_comes_first_and_each_once(pool: tuple[Any, Any], diversity: float) -> None:
    order = marginal_relevance(*pool, diversity)
    assert sorted(order) == list(range(len(pool[0])))
    assert not order or order[0] == int(np.argmax(pool[0]))


@given(pools(), units, units)
def test_what_resembles_all_alike_changes_nothing(pool: tuple[Any, Any], diversity: float, same: float) -> None:
    scores, _ = pool
    if diversity < 1:
        alike = np.full((len(scores), len(scores)), same)
        assert marginal_relevance(scores, alike, diversity) == marginal_relevance(scores, alike, 0)


def test_a_second_form_of_the_first_comes_last() -> None:
    scores = np.array([0.9, 0.85, 0.5])
    cosines = np.array([[1, 0.95, 0.1], [0.95, 1, 0.1], [0.1, 0.1, 1]])
    assert marginal_relevance(scores, cosines, 0) == [0, 1, 2]
    assert marginal_relevance(scores, cosines, 0.5) == [0, 2, 1]


SCORES, SIMILARITIES = np.array([0.5, 0.2]), np.eye(2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SCORES, SIMILARITIES, 1.5), r"diversity must be between 0 .* got 1\.5"),
        ((SCORES, SIMILARITIES, float("nan")), "diversity must be"),
        ((SCORES, SIMILARITIES, 0.5, -1), "count must be at least 0"),
        ((SCORES, np.eye(3), 0.5), r"shapes \(2,\) and \(3, 3\)"),
        ((SCORES * np.nan, SIMILARITIES, 0.5), "finite"),
        ((SCORES * 9, SIMILARITIES, 0.5), r"in \[0, 1\], got 1\.8 to 4\.5"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        marginal_relevance(*arguments)
