"""The score below which nothing is shown by default: what is below it is hardly ever right, on validation posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from right_hf import RightModel
from right_hf.posts import Post
from right_hf.progress import batches

#: Hashtags that are shown at most, as by default.
_SHOWN = 5
#: The share of the right ones among them that stays; a lower one hides more of what a person could post, too.
_KEPT = 0.95
_STEP = 0.01


def choose_threshold(model: RightModel, posts: Sequence[Post]) -> dict[str, Any]:
    """The highest threshold that shows 95 % of the authors' hashtags that stand among the first five.

    Returns:
        `threshold`, in hundredths; with it and with none (`of_all`) the hashtags `shown` a post, and in percent their
        `precision`.
    """
    scores, right = np.zeros(0), np.zeros(0, dtype=bool)
    for batch in batches([post for post in posts if post.text], 64, "recommending"):
        found = model.recommend([post.text for post in batch], _SHOWN, threshold=0.0)
        pairs = [
            (one.score, one.hashtag in post.hashtags) for post, ones in zip(batch, found, strict=True) for one in ones
        ]
        scores = np.concatenate([scores, [score for score, _ in pairs]])
        right = np.concatenate([right, [is_right for _, is_right in pairs]])

    def shows(threshold: float) -> dict[str, float]:
        shown = scores >= threshold
        precision = 100 * float(right[shown].mean()) if shown.any() else 0.0
        return {"shown": round(float(shown.sum()) / len(posts), 2), "precision": round(precision, 1)}

    steps = np.arange(0, 1, _STEP).round(2).tolist()
    best = max(step for step in steps if right[scores >= step].sum() >= _KEPT * right.sum())
    return {"threshold": best, **shows(best), "of_all": shows(0.0)}
