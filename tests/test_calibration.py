"""Reliability and expected calibration error, worked by hand; and the checkpoint's threshold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import RightConfig, RightModel
from right_hf.calibration import Bin, expected_calibration_error, reliability
from right_hf.cards.reliability import reliability_plot

POST = "Fresh sushi and a walk along the beach"


def test_reliability_worked_by_hand() -> None:
    bins = reliability([0.05, 0.05, 0.25, 1.0], [0, 1, 0, 1])
    assert bins == [Bin(0.05, 0.5, 2), Bin(0.25, 0.0, 1), Bin(1.0, 1.0, 1)]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.45 + 0.25) / 4)
    assert expected_calibration_error([]) == 0
    with pytest.raises(ValueError, match="Each score needs an outcome"):
        reliability([0.1], [])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.integers(1, 20))
def test_bins_hold_every_score_and_the_error_is_a_share(pairs: list[tuple[float, bool]], number: int) -> None:
    bins = reliability([score for score, _ in pairs], [right for _, right in pairs], number)
    assert sum(one.size for one in bins) == len(pairs)
    assert 0 <= expected_calibration_error(bins) <= 1


def test_the_plot_has_a_mark_for_each_bin() -> None:
    plot = reliability_plot([[0.1, 0.2, 7], [0.9, 0.8, 1]])
    assert plot.count("<circle") == 2
    assert "7 hashtags: score 0.10, right 0.20" in plot


@pytest.fixture(scope="module")
def model() -> RightModel:
    return RightModel.from_pretrained("right-en-small")


def test_nothing_is_shown_below_the_checkpoints_threshold(model: RightModel) -> None:
    assert 0 < model.config.threshold < 0.2
    [everything] = model.recommend([POST], threshold=0)
    [shown] = model.recommend([POST])
    assert shown == [one for one in everything if one.score >= model.config.threshold]
    assert model.recommend([POST], threshold=1.0) == [[]]


@pytest.mark.parametrize("value", [-0.1, 1.5, "0.5", None])
def test_a_threshold_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        RightConfig(threshold=value)  # type: ignore[arg-type]
