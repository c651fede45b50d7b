"""The linear ranker: a logistic regression over five features of each written or retrieved hashtag."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from right_hf.component import Trainer
from right_hf.layout import config_file
from right_hf.posts import letters_and_digits
from right_hf.ranker.base import Ranker
from right_hf.ranker.records import Trace


class LinearFeatures(NamedTuple):
    """What is known of one hashtag.

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


class LinearRanker(Ranker):
    """Weights of the features, fitted on validation posts.

    Raises:
        ValueError: A weight is no finite number.
    """

    type = "linear"

    def __init__(
        self, intercept: float, log_likelihood: float, written: float, ranking: float, retrieved: float, in_post: float
    ) -> None:
        self.intercept = intercept
        self.weights = LinearFeatures(log_likelihood, written, ranking, retrieved, in_post)
        for name, value in self.settings.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                raise ValueError(f"The weight {name} of a linear ranker must be a finite number, got {value!r:.80}.")

    @property
    def settings(self) -> dict[str, Any]:
        """Intercept and weights."""
        return {"intercept": self.intercept, **self.weights._asdict()}

    def scores(self, trace: Trace) -> dict[str, float]:
        """The [`probability`] of each hashtag of [`linear_features`]."""
        return {hashtag: self.probability(features) for hashtag, features in linear_features(trace).items()}

    def probability(self, features: LinearFeatures) -> float:
        """1 / (1 + exp(-(intercept + weights . features))): calibrated."""
        logit = self.intercept + sum(x * weight for x, weight in zip(features, self.weights, strict=True))
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))

    @classmethod
    def from_folder(cls, folder: str | Path) -> LinearRanker:
        """Loads what [`save_pretrained`] wrote.

        Raises:
            ValueError: A weight is missing, unknown or no number.
        """
        settings = cls.saved_settings(Path(folder))
        try:
            return cls(**settings)
        except (TypeError, ValueError) as error:
            file = Path(folder) / config_file(cls.role)
            raise ValueError(f"{file} holds no linear ranker: {error} Save or download it again.") from error

    @classmethod
    def trainer(cls) -> Trainer:
        """Fits the weights on validation posts."""
        from right_hf.trainers.linear import LinearTraining

        return LinearTraining()


def linear_features(trace: Trace) -> dict[str, LinearFeatures]:
    """The features of every hashtag of one post that the generator wrote or scored.

    Where it gives no likelihoods, or there is none, these are the hashtags that it wrote and all that were retrieved;
    weights must have been fitted with that generator for scores to be calibrated.
    """
    log_likelihoods = trace.generation.log_likelihoods
    retrieved = {candidate.hashtag: candidate for candidate in trace.candidates}
    ranks = {hashtag: rank for rank, hashtag in enumerate(trace.generation.hashtags, start=1)}
    text = letters_and_digits(trace.post)
    return {
        hashtag: LinearFeatures(
            log_likelihood=log_likelihoods.get(hashtag, 0.0),
            written=1 / ranks[hashtag] if hashtag in ranks else 0.0,
            ranking=retrieved[hashtag].score if hashtag in retrieved else 0.0,
            retrieved=float(hashtag in retrieved),
            in_post=float(letters_and_digits(hashtag) in text),
        )
        for hashtag in dict.fromkeys([*ranks, *(log_likelihoods or retrieved)])
    }
