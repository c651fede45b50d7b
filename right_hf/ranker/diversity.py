"""An order in which hashtags that say the same do not stand side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def marginal_relevance(scores: Floats, similarities: Floats, diversity: float, count: int | None = None) -> list[int]:
    """Orders by maximal marginal relevance (Carbonell and Goldstein, 1998).

    After the one with the highest score there follows, each time, that i of those left with the highest

        (1 - diversity) * scores[i] - diversity * max(similarities[i, j] for the j that are chosen already)

    and of equal ones the first. So 0 is the order of the scores alone, and 1 that of novelty alone.

    Args:
        scores: (n,), each in [0, 1].
        similarities: (n, n), cosines for example; in [-1, 1], so that both sides weigh alike.
        diversity: In [0, 1]; Carbonell and Goldstein's lambda is 1 - diversity.
        count: How many are chosen; None for all.

    Returns:
        The places of the chosen ones, best first.

    Raises:
        ValueError: An argument is out of its range, not finite, or of another shape.
    """
    _check(scores, similarities, diversity, count)
    most = len(scores) if count is None else min(count, len(scores))
    if diversity == 0:
        return [int(at) for at in np.argsort(-scores, kind="stable")[:most]]
    relevance = (1 - diversity) * scores
    closest = np.full(len(scores), -np.inf)  # to the chosen ones
    is_left = np.ones(len(scores), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < most:
        worth = relevance - diversity * closest if chosen else scores
        at = int(np.argmax(np.where(is_left, worth, -np.inf)))
        chosen.append(at)
        is_left[at] = False
        closest = np.maximum(closest, similarities[:, at])
    return chosen


def _check(scores: Floats, similarities: Floats, diversity: float, count: int | None) -> None:
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity must be between 0 (by score alone) and 1, got {diversity!r}.")
    if count is not None and count < 0:
        raise ValueError(f"count must be at least 0, or None for all, got {count}.")
    if scores.ndim != 1 or similarities.shape != (len(scores), len(scores)):
        raise ValueError(
            f"Expected n scores and n x n similarities, got the shapes {scores.shape} and {similarities.shape}."
        )
    if not (np.isfinite(scores).all() and np.isfinite(similarities).all()):
        raise ValueError("Scores and similarities must be finite numbers. Leave out hashtags without a score.")
    if ((scores < 0) | (scores > 1)).any():
        raise ValueError(f"Scores must lie in [0, 1], got {scores.min():.4g} to {scores.max():.4g}. Scale them first.")
