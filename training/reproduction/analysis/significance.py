"""Is one system better than another, or was it luck with the posts? A paired bootstrap over the posts.

A test set is drawn again and again from the posts of the split, with replacement and as large as it; both systems are
scored on the same draws, so that easy and hard posts weigh equally on both (Koehn 2004, Statistical significance tests
for machine translation evaluation, EMNLP). The differences of the draws scatter around the observed difference, not
around zero as they would if the systems were equally good; they are therefore shifted by it before they are compared
with it (Berg-Kirkpatrick, Burkett and Klein 2012, An empirical investigation of statistical significance in NLP,
EMNLP-CoNLL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.metrics import PerPost

Array = npt.NDArray[np.float64]

SAMPLES = 10_000
_CONFIDENCE = 0.95
_ROUNDING = 1e-12  # scores lie in [0, 1]: a smaller difference comes from the order of additions
_BLOCK_CELLS = 1 << 20  # cells of (draws, posts) held at once, 8 MiB an array


def mean_over_seeds(runs: Sequence[PerPost]) -> PerPost:
    """Averages what each post adds over runs of one system, which averages the scores of every set of posts, too.

    Raises:
        ValueError: there is no run, or the runs are of different posts.
    """
    if not runs:
        raise ValueError("Got no runs; expected the statistics of at least one seed.")
    first = runs[0].denominator
    if any(not np.array_equal(run.denominator, first) for run in runs[1:]):
        raise ValueError("The runs are of different posts or metrics. Score every seed's answers on the same posts.")
    return PerPost(np.sum([run.numerator for run in runs], axis=0) / len(runs), first)


class Comparison(NamedTuple):
    """A system's score minus a baseline's on the same posts.

    Attributes:
        difference: Observed difference, in [-1, 1]; above 0 the system is better.
        low: Lower end of the 95 % percentile interval of the difference.
        high: Its upper end.
        p: Two-sided p-value, in (0, 1], see [`p_value`].
        samples: Number of draws.
    """

    difference: float
    low: float
    high: float
    p: float
    samples: int

    def to_dict(self) -> dict[str, float]:
        """As plain numbers for a result file: differences in percentage points, all rounded to what is meant."""
        points = {name: round(100 * getattr(self, name), 2) for name in ("difference", "low", "high")}
        return points | {"p": round(self.p, 6), "samples": self.samples}


def p_value(difference: float, resampled: Array) -> float:
    """Two-sided: p = (1 + #{b : |d_b - d| >= |d|}) / (B + 1), with d observed and d_b the difference of draw b.

    It is the share of draws that, shifted so that the systems are equally good on average, differ at least as much as
    the systems did. The observed posts count as one more draw, so that p is never 0 and B = 10,000 can show 0.0001 at
    best. Equal systems have p = 1, and exchanging them changes nothing.

    Args:
        difference: Observed difference d.
        resampled: Differences of the draws, of shape (B,).
    """
    extreme = np.abs(resampled - difference) >= abs(difference) - _ROUNDING
    return float((1 + np.count_nonzero(extreme)) / (len(resampled) + 1))


def compare(system: PerPost, baseline: PerPost, samples: int = SAMPLES, seed: int = 0) -> Comparison:
    """Compares two systems in one metric, see [`compare_all`]."""
    return compare_all({"": system}, {"": {"": baseline}}, samples, seed)[""][""]


def compare_all(
    system: Mapping[str, PerPost], baselines: Mapping[str, Mapping[str, PerPost]], samples: int = SAMPLES, seed: int = 0
) -> dict[str, dict[str, Comparison]]:
    """Compares a system with each baseline in each metric, all on the same draws of posts.

    Only posts are drawn. With several seeds, pass each system's average over its seeds
    ([`mean_over_seeds`]): then the question is whether the average run is better on posts like these.
    How much runs differ from each other is not in p or the interval; report their standard deviation beside it.

    Args:
        system: What each post adds to each metric (see [`right_hf.evaluation.answer_statistics`]).
        baselines: The same of each baseline, by its name; metrics that it lacks are left out.
        samples: Number of draws B.
        seed: Seed of the draws.

    Returns:
        A comparison for each baseline and metric.

    Raises:
        ValueError: `samples` is below 1, or a baseline was scored on other posts.
    """
    if samples < 1:
        raise ValueError(f"Got samples = {samples}; expected at least 1, and 10,000 for a p-value to report.")
    pairs = [(name, metric) for name, scores in baselines.items() for metric in system if metric in scores]
    result: dict[str, dict[str, Comparison]] = {name: {} for name in baselines}
    if not pairs:
        return result
    for name, metric in pairs:
        _check_paired(system[metric], baselines[name][metric], f"{name} {metric}".strip())
    gains = [system[metric].numerator - baselines[name][metric].numerator for name, metric in pairs]
    weights = [system[metric].denominator for _, metric in pairs]
    if len({len(column) for column in gains}) > 1:
        raise ValueError("The metrics of the system are of different numbers of posts. Score all on the same posts.")
    observed = np.sum(gains, axis=1) / np.sum(weights, axis=1)  # (M,)
    sums = resampled_sums(np.stack(gains + weights, axis=1), samples, seed)  # (B, 2M)
    resampled = sums[:, : len(pairs)] / sums[:, len(pairs) :]
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail), axis=0)
    for i, (name, metric) in enumerate(pairs):
        p = p_value(float(observed[i]), resampled[:, i])
        result[name][metric] = Comparison(float(observed[i]), float(low[i]), float(high[i]), p, samples)
    return result


def resampled_sums(columns: Array, samples: int, seed: int) -> Array:
    """Sums of the columns over posts drawn with replacement.

    Args:
        columns: What each post adds, of shape (n, M).
        samples: Number of draws B, of n posts each.
        seed: Seed of the draws.

    Returns:
        Array of shape (B, M). Memory grows with B x M, but not with B x n.
    """
    rng = np.random.default_rng(seed)
    n = len(columns)
    block = max(1, _BLOCK_CELLS // n)
    sums = np.empty((samples, columns.shape[1]))
    for start in range(0, samples, block):
        size = min(block, samples - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)  # how often each draw has each post
        sums[start : start + size] = times.astype(float) @ columns
    return sums


def _check_paired(system: PerPost, baseline: PerPost, what: str) -> None:
    if not np.array_equal(system.denominator, baseline.denominator):
        raise ValueError(
            f"{what}: the system's {len(system.denominator)} posts and the baseline's {len(baseline.denominator)} are "
            "not the same. A paired comparison needs both scored on the same posts in the same order."
        )
