"""The linear ranker: a logistic regression over five features of each written or retrieved hashtag."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from right_hf.component import Trainer
from right_hf.layout import config_file
from right_hf.ranker.base import Ranker
from right_hf.ranker.linear_features import LinearFeatures, linear_features
from right_hf.ranker.records import Trace


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

    def scores(self, traces: Sequence[Trace]) -> list[dict[str, float]]:
        """The [`probability`] of each hashtag of [`linear_features`]."""
        return [{tag: self.probability(found) for tag, found in linear_features(trace).items()} for trace in traces]

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
