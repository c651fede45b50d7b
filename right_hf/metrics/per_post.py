"""Scores as sums over posts, which is what resampling posts and splitting them into strata need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class PerPost(NamedTuple):
    """What each post adds to a score that is a ratio of two sums, sum(numerator) / sum(denominator).

    The denominator depends on the post and its gold hashtags alone, never on what a system answered.

    Attributes:
        numerator: float array of shape (n,).
        denominator: float array of shape (n,), above 0.
    """

    numerator: npt.NDArray[np.float64]
    denominator: npt.NDArray[np.float64]

    def score(self) -> float:
        """The score over all posts, in [0, 1]."""
        return float(self.numerator.sum() / self.denominator.sum())

    def of(self, rows: npt.NDArray[Any]) -> PerPost:
        """What the posts that `rows` picks (indices or a mask) add."""
        return PerPost(self.numerator[rows], self.denominator[rows])


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
