"""The linear fusion: a logistic regression over five features of each written or retrieved hashtag."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from right_hf.ranker.records import Trace
from right_hf.posts import letters_and_digits


class Features(NamedTuple):
    """What is known of one hashtag of the pool.

    Attributes:
        log_likelihood: The generator's mean log-probability per token, at most 0; 0 for all where it tells none, which
            changes no order.
        written: 1 / rank in the generator's own answer, 0 if it is not in it.
        ranking: The selector's ranking score, 0 if it was not retrieved.
        retrieved: 1 if it was retrieved, else 0.
        in_post: 1 if its letters and digits stand in the post, whatever spaces and signs are between them, else 0.
    """

    log_likelihood: float
    written: float
    ranking: float
    retrieved: float
    in_post: float


@dataclass(frozen=True)
class FusionWeights:
    """Weights of the features, fitted on validation posts (see [`right_hf.trainers.calibration`])."""

    intercept: float
    log_likelihood: float
    written: float
    ranking: float
    retrieved: float
    in_post: float

    def scores(self, trace: Trace) -> dict[str, float]:
        """The [`fused_score`] of each hashtag of [`pool_features`]."""
        return {hashtag: fused_score(features, self) for hashtag, features in pool_features(trace).items()}


def fused_score(features: Features, weights: FusionWeights) -> float:
    """1 / (1 + exp(-(intercept + weights . features))): a calibrated probability."""
    logit = weights.intercept + sum(
        feature * getattr(weights, name) for name, feature in zip(features._fields, features, strict=True)
    )
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def pool_features(trace: Trace) -> dict[str, Features]:
    """The features of every hashtag of one post that the generator wrote or scored.

    Where it gives no likelihoods, these are the hashtags that it wrote and all that were retrieved; its ranks then
    speak for it, and weights must have been fitted with that generator for scores to be calibrated.
    """
    log_likelihoods = trace.generation.log_likelihoods
    retrieved = {candidate.hashtag: candidate for candidate in trace.candidates}
    ranks = {hashtag: rank for rank, hashtag in enumerate(trace.generation.hashtags, start=1)}
    text = letters_and_digits(trace.post)
    return {
        hashtag: Features(
            log_likelihood=log_likelihoods.get(hashtag, 0.0),
            written=1 / ranks[hashtag] if hashtag in ranks else 0.0,
            ranking=retrieved[hashtag].score if hashtag in retrieved else 0.0,
            retrieved=float(hashtag in retrieved),
            in_post=float(letters_and_digits(hashtag) in text),
        )
        for hashtag in dict.fromkeys([*ranks, *(log_likelihoods or retrieved)])
    }
