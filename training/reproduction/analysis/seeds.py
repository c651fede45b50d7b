"""Scores of several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean of the seeds' scores and their standard deviation (divisor n - 1), None for a single seed."""
    return fmean(values), stdev(values) if len(values) > 1 else None
