"""Fitting the weights of the fusion on validation posts."""

from __future__ import annotations

from collections.abc import Sequence

from right_hf.fusion import Features, FusionWeights, Trace, pool_features
from right_hf.posts import Post


def fit_fusion(posts: Sequence[Post], traces: Sequence[Trace]) -> FusionWeights:
    """Fits the probability that a hashtag of the pool is gold, by logistic regression.

    Args:
        posts: Posts that neither the generator was trained on nor the corpus holds.
        traces: What the stages made of each.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: No hashtag of any pool is gold, or every one is.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ImportError("Fitting the fusion needs scikit-learn: pip install right_hf[train]") from error
    rows: list[Features] = []
    labels: list[bool] = []
    for post, trace in zip(posts, traces, strict=True):
        for hashtag, features in pool_features(trace).items():
            rows.append(features)
            labels.append(hashtag in post.hashtags)
    if len(set(labels)) < 2:
        raise ValueError(
            f"Of {len(labels)} pooled hashtags {sum(labels)} are gold; fitting needs some of either kind. "
            "Use validation posts from the domain of the corpus."
        )
    fitted = LogisticRegression(C=1.0, max_iter=1000).fit(rows, labels)
    weights = [round(float(weight), 6) for weight in fitted.coef_[0]]
    return FusionWeights(round(float(fitted.intercept_[0]), 6), *weights)
