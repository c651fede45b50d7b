"""Fitting of the linear ranker, and of the scores of any other, on validation posts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.posts import Post
from right_hf.ranker.base import Ranker
from right_hf.ranker.linear_features import LinearFeatures, linear_features
from right_hf.ranker.records import Trace
from right_hf.registry import component_class
from right_hf.stages import Stages
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pools import run_batches
from right_hf.trainers.recipe import RankerRecipe


@dataclass(frozen=True)
class LinearRecipe(RankerRecipe):
    """Settings of the linear ranker."""

    type: str = "linear"


class LinearTraining:
    """Fits a [`right_hf.ranker.linear.LinearRanker`]."""

    settings = LinearRecipe

    def train(self, job: Job) -> Trained:
        """Fits it on validation posts; see [`right_hf.component.Trainer`]."""
        return Trained(self.fit(job, job.parts()), {})

    def fit(self, job: Job, parts: tuple[Any, Any, Any, Any]) -> Ranker:
        """Fits it to the parts that it will work with: configuration, retriever, selector, generator."""
        number = job.recipe.ranker.validation_posts if isinstance(job.recipe.ranker, LinearRecipe) else None
        posts = [post for post in job.validation if post.text][:number]
        return fit_linear(posts, run_batches(posts, Stages(*parts)))


def fit_linear(posts: Sequence[Post], traces: Sequence[Trace]) -> Ranker:
    """Fits the probability that a hashtag of the pool is gold, by logistic regression.

    Args:
        posts: Posts that neither the generator was trained on nor the corpus holds.
        traces: What the stages made of each.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: No hashtag of any pool is gold, or every one is.
    """
    found = [linear_features(trace) for trace in traces]
    labels = [tag in post.hashtags for post, pool in zip(posts, found, strict=True) for tag in pool]
    return fit_weights([features for pool in found for features in pool.values()], labels)


def fit_weights(rows: Sequence[LinearFeatures], labels: Sequence[bool]) -> Ranker:
    """Does as [`fit_linear`], for the features of hashtags and which of them are gold."""
    if len(set(labels)) < 2:
        raise ValueError(
            f"Of {len(labels)} pooled hashtags {sum(labels)} are gold; fitting needs some of either kind. "
            "Use validation posts from the domain of the corpus."
        )
    fitted = _logistic_regression(C=1.0).fit(rows, labels)
    weights = [round(float(weight), 6) for weight in fitted.coef_[0]]
    kind: Any = component_class("ranker", LinearRecipe.type)
    ranker: Ranker = kind(round(float(fitted.intercept_[0]), 6), *weights)
    return ranker


def fit_probability(totals: npt.NDArray[Any], gold: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept that make probabilities of what a ranker's trees add up to (Platt, 1999).

    Args:
        totals: (N,) of hashtags of validation posts.
        gold: (N,) which of them their authors used.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: No hashtag is gold or every one is, or gold ones have no higher totals than others.
    """
    if gold.all() or not gold.any():
        raise ValueError(
            f"Of {len(gold)} pooled hashtags {int(gold.sum())} are gold; calibrating needs some of either."
        )
    fitted = _logistic_regression(C=1e6).fit(totals[:, None], gold)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        raise ValueError(
            "On the validation posts gold hashtags have no higher scores than others. Train on more posts."
        )
    return slope, intercept


def _logistic_regression(**settings: Any) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ImportError("Fitting a ranker needs scikit-learn: pip install right_hf[train]") from error
    return LogisticRegression(max_iter=1000, **settings)
