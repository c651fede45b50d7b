"""The score below which nothing is shown by default: what is below it is hardly ever right, on validation posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from right_hf import RightModel
from right_hf.evaluation import suggested
from right_hf.posts import Post

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
    found = suggested(model, [post for post in posts if post.text], _SHOWN)
    scores, right = np.asarray(found[0]), np.asarray(found[1], dtype=bool)

    def shows(threshold: float) -> dict[str, float]:
        shown = scores >= threshold
        precision = 100 * float(right[shown].mean()) if shown.any() else 0.0
        return {"shown": round(float(shown.sum()) / len(posts), 2), "precision": round(precision, 1)}

    steps = np.arange(0, 1, _STEP).round(2).tolist()
    best = max(step for step in steps if right[scores >= step].sum() >= _KEPT * right.sum())
    return {"threshold": best, **shows(best), "of_all": shows(0.0)}
