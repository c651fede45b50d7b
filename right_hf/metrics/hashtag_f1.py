"""Micro-averaged precision, recall and F1 of the first K hashtags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from right_hf.metrics.base import HashtagLists, HashtagMetric, PerPost, check_same_posts


class PrecisionRecallF1(NamedTuple):
    """Precision, recall and their harmonic mean, all in [0, 1]."""

    precision: float
    recall: float
    f1: float


def matches_at_k(predicted: Sequence[str], gold: Sequence[str], k: int) -> int:
    """Count the gold hashtags of one post among the first `k` predicted ones.

    Hashtags match when they are the same string. A gold hashtag counts once, however often it is predicted or listed.

    Raises:
        ValueError: if `k` is smaller than 1.
    """
    if k < 1:
        raise ValueError(f"Got k = {k}; expected at least 1, the number of predicted hashtags to look at.")
    return len(set(predicted[:k]) & set(gold))


def f1_per_post(predictions: HashtagLists, references: HashtagLists, k: int) -> PerPost:
    """Micro F1@K as sums: with m_i matches and g_i distinct gold hashtags of post i, F1 = sum(2 m_i) / sum(K + g_i).

    This is 2 P R / (P + R) for P = sum(m_i) / (K n) and R = sum(m_i) / sum(g_i); errors as of `micro_f1_at_k`.
    """
    check_same_posts(predictions, references)
    matches = [matches_at_k(predicted, gold, k) for predicted, gold in zip(predictions, references, strict=True)]
    return PerPost(2.0 * np.array(matches, float), k + np.array([len(set(gold)) for gold in references], float))


def micro_f1_at_k(predictions: HashtagLists, references: HashtagLists, k: int) -> PrecisionRecallF1:
    """Micro F1@K of the RIGHT paper: counts are summed over the posts before they are divided.

    precision = matches / (K x number of posts), also where fewer than K hashtags were predicted;
    recall = matches / number of distinct gold hashtags, summed over the posts.

    Args:
        predictions: one list of hashtags per post, best first.
        references: the gold hashtags of the same posts.
        k: number of predicted hashtags looked at per post, at least 1.

    Returns:
        Precision, recall and F1, each in [0, 1].

    Raises:
        ValueError: if the numbers of predictions and references differ or are zero, or if `k` is smaller than 1.
    """
    parts, predicted = f1_per_post(predictions, references, k), k * len(references)
    matches, gold = parts.numerator.sum() / 2, parts.denominator.sum() - predicted
    return PrecisionRecallF1(float(matches / predicted), float(matches / gold) if gold else 0.0, parts.score())


class HashtagF1(HashtagMetric):
    """Micro precision, recall and F1 at K as an `evaluate` metric; needs no network and no cache.

    >>> HashtagF1().compute(predictions=[["cat", "dog"]], references=[["cat"]], k=1)
    {'precision@1': 1.0, 'recall@1': 1.0, 'f1@1': 1.0}
    """

    what = "Micro precision@K, recall@K and F1@K of recommended hashtags."
    inputs = """\
Hashtag F1: predictions and references hold one list of hashtags per post, best first; k is one K or several
(default: 1 and 5). Result: precision@K, recall@K and f1@K in [0, 1] for each K."""

    def _compute(
        self, predictions: HashtagLists, references: HashtagLists, k: int | Sequence[int] = (1, 5)
    ) -> dict[str, float]:
        scores = {each: micro_f1_at_k(predictions, references, each) for each in ((k,) if isinstance(k, int) else k)}
        return {f"{name}@{each}": value for each, found in scores.items() for name, value in found._asdict().items()}
