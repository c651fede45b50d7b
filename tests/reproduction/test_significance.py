from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.analysis.significance import compare, compare_all, mean_over_seeds, p_value, resampled_sums

from right_hf.metrics import PerPost

SAMPLES = 400


def part(values: list[float], weights: list[float] | None = None) -> PerPost:
    return PerPost(np.array(values, float), np.array(weights or [1.0] * len(values)))


def random_part(seed: int, n: int = 200, chance: float = 0.3) -> PerPost:
    """F1@1 of a post with three gold hashtags: 2 matches / (1 + 3)."""
    return PerPost(2.0 * np.random.default_rng(seed).binomial(1, chance, n), np.full(n, 4.0))


pairs = st.lists(st.tuples(*[st.sampled_from([0.0, 0.2, 0.5, 1.0])] * 2), min_size=2, max_size=30)


def test_p_worked_by_hand() -> None:
    # d = 0.2; shifted draws: -0.3, -0.1, 0, 0.2, 0.3; three are at least 0.2 away: p = (1 + 3) / (5 + 1).
    assert p_value(0.2, np.array([-0.1, 0.1, 0.2, 0.4, 0.5])) == pytest.approx(4 / 6)
    assert p_value(-0.2, -np.array([-0.1, 0.1, 0.2, 0.4, 0.5])) == pytest.approx(4 / 6)


def test_draws_equal_a_loop_over_posts() -> None:
    columns = np.random.default_rng(1).random((7, 3))
    rng = np.random.default_rng(5)
    expected = [columns[rng.integers(7, size=7)].sum(axis=0) for _ in range(20)]
    np.testing.assert_allclose(resampled_sums(columns, 20, seed=5), expected)


def test_draws_do_not_depend_on_the_size_of_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(1).random((50, 2))
    whole = resampled_sums(columns, 30, seed=2)
    monkeypatch.setattr("reproduction.analysis.significance._BLOCK_CELLS", 350)
    np.testing.assert_allclose(resampled_sums(columns, 30, seed=2), whole)


@given(pairs)
def test_a_system_does_not_differ_from_itself(rows: list[tuple[float, float]]) -> None:
    found = compare(*[part([a for a, _ in rows])] * 2, SAMPLES)
    assert found[:4] == (0.0, 0.0, 0.0, 1.0)


@settings(max_examples=30)
@given(pairs, st.integers(0, 3))
def test_exchanging_the_systems_changes_the_sign_alone(rows: list[tuple[float, float]], seed: int) -> None:
    a, b = part([a for a, _ in rows]), part([b for _, b in rows])
    forth, back = compare(a, b, SAMPLES, seed), compare(b, a, SAMPLES, seed)
    assert forth.difference == pytest.approx(-back.difference)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert forth.p == back.p
    assert forth.low <= forth.high and 0 < forth.p <= 1


@settings(max_examples=30)
@given(st.lists(st.floats(0, 0.5), min_size=30, max_size=60), st.floats(0.05, 0.4))
def test_better_on_every_post_is_significant(values: list[float], gain: float) -> None:
    found = compare(part([value + gain for value in values]), part(values), SAMPLES)
    assert found.difference == pytest.approx(gain)
    assert found.low == pytest.approx(gain) and found.high == pytest.approx(gain)
    assert found.p == 1 / (SAMPLES + 1)


def test_p_is_about_uniform_where_the_systems_are_equally_good() -> None:
    """300 pairs of systems that find a gold hashtag with the same chance, on posts drawn anew."""
    p = np.array([compare(random_part(2 * i), random_part(2 * i + 1), SAMPLES, seed=i).p for i in range(300)])
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        assert abs(np.mean(p <= level) - level) < 3.5 * np.sqrt(level * (1 - level) / len(p))


def test_p_and_interval_agree_with_the_normal_approximation() -> None:
    a, b = random_part(1, 2000, 0.33), random_part(2, 2000, 0.30)
    found = compare(a, b, 4000)
    gain = (a.numerator - b.numerator) / 4
    error = gain.std() / np.sqrt(len(gain))
    assert found.difference == pytest.approx(gain.mean())
    assert (found.low, found.high) == pytest.approx((gain.mean() - 1.96 * error, gain.mean() + 1.96 * error), abs=2e-3)
    scipy = pytest.importorskip("scipy.stats")
    assert found.p == pytest.approx(2 * scipy.norm.sf(abs(gain.mean()) / error), abs=0.03)


def test_a_ratio_is_resampled_as_a_ratio() -> None:
    """Posts with many gold hashtags weigh more: the denominators are drawn with the numerators."""
    weights = [2.0, 10.0] * 20
    found = compare(part([2.0, 0.0] * 20, weights), part([0.0] * 40, weights), 2000)
    assert found.difference == pytest.approx(40 / 240)
    draws = np.random.default_rng(3).binomial(40, 0.5, 20_000)  # how many of the light posts are in a draw
    ratios = 2 * draws / (2 * draws + 10 * (40 - draws))
    assert (found.low, found.high) == pytest.approx(np.quantile(ratios, (0.025, 0.975)), abs=0.02)


def test_the_same_seed_gives_the_same_comparison() -> None:
    a, b = random_part(1), random_part(2)
    assert compare(a, b, SAMPLES, seed=4) == compare(a, b, SAMPLES, seed=4)
    assert compare(a, b, SAMPLES, seed=4) != compare(a, b, SAMPLES, seed=5)


def test_all_comparisons_are_those_of_one_at_a_time() -> None:
    system = {"x": random_part(1), "y": random_part(2)}
    baselines = {"A": {"x": random_part(3), "y": random_part(4)}, "B": {"y": random_part(5)}}
    found = compare_all(system, baselines, SAMPLES, seed=6)
    assert {name: list(metrics) for name, metrics in found.items()} == {"A": ["x", "y"], "B": ["y"]}
    for name, metrics in found.items():
        for metric, comparison in metrics.items():
            alone = compare(system[metric], baselines[name][metric], SAMPLES, seed=6)
            assert comparison == pytest.approx(alone)
    assert compare_all(system, {}) == {}


def test_seeds_are_averaged_within_each_post() -> None:
    runs = [part([0, 1, 1], [2, 3, 4]), part([1, 1, 0], [2, 3, 4]), part([1, 1, 0], [2, 3, 4])]
    average = mean_over_seeds(runs)
    assert average.numerator.tolist() == pytest.approx([2 / 3, 1, 1 / 3])
    assert average.score() == pytest.approx(np.mean([run.score() for run in runs]))
    # The order of the seeds may change the last bits of ROUGE, but makes no significant difference.
    tenths = [part([0.1, 0.7]), part([0.2, 0.1]), part([0.3, 0.3])]
    assert compare(mean_over_seeds(tenths), mean_over_seeds(tenths[::-1]), SAMPLES).p == 1.0


def test_numbers_are_rounded_at_the_boundary() -> None:
    found = compare(part([0.5] * 30), part([0.25] * 30), 999).to_dict()
    assert found == {"difference": 25.0, "low": 25.0, "high": 25.0, "p": 0.001, "samples": 999}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 posts and the baseline's 2 are not the same"):
        compare(part([1, 2, 3]), part([1, 2]))
    with pytest.raises(ValueError, match="not the same"):
        compare(part([1, 2], [3, 4]), part([1, 2], [4, 3]))
    with pytest.raises(ValueError, match="samples = 0"):
        compare(part([1]), part([1]), samples=0)
    with pytest.raises(ValueError, match="different posts"):
        mean_over_seeds([part([1]), part([1, 2])])
    with pytest.raises(ValueError, match="no runs"):
        mean_over_seeds([])
