"""How far scores are probabilities: reliability by bins, and the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Bin(NamedTuple):
    """Scores that are alike.

    Attributes:
        score: Their mean.
        share: Of how many the hashtag was right, in [0, 1].
        size: How many they are.
    """

    score: float
    share: float
    size: int


def reliability(scores: npt.ArrayLike, right: npt.ArrayLike, bins: int = 10) -> list[Bin]:
    """The scores in bins of equal width, from the lowest; those without any are left out.

    Args:
        scores: (n,) in [0, 1].
        right: (n,) whether each hashtag was one of the author's.
        bins: How many.

    Raises:
        ValueError: There are not as many of both.
    """
    values, outcomes = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if values.shape != outcomes.shape:
        raise ValueError(f"Each score needs an outcome, got {values.shape} scores and {outcomes.shape} outcomes.")
    places = np.minimum((values * bins).astype(int), bins - 1)
    found = [(values[places == at], outcomes[places == at]) for at in range(bins)]
    return [Bin(float(s.mean()), float(r.mean()), len(s)) for s, r in found if len(s)]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean gap between score and share, weighted by the counts, in [0, 1] (Naeini et al., AAAI 2015, section 2)."""
    total = sum(one.size for one in bins)
    return sum(one.size * abs(one.score - one.share) for one in bins) / total if total else 0.0
