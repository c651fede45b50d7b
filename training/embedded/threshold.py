"""The score below which nothing is shown by default: the one with the best F1 of what is shown, on validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from right_hf import RightModel
from right_hf.posts import Post
from right_hf.progress import batches

#: Hashtags that are shown at most, as by default.
_SHOWN = 5
_STEP = 0.01


def choose_threshold(model: RightModel, posts: Sequence[Post]) -> dict[str, Any]:
    """The threshold with the highest micro F1 of the hashtags shown, at most five a post.

    Unlike F1@k, precision is over what is shown, so that a wrong hashtag costs something.

    Returns:
        `threshold`, in hundredths; `f1` of what it shows, in percent, and `shown` a post, beside `f1_of_all` with none.
    """
    scores, right, gold = np.zeros(0), np.zeros(0, dtype=bool), sum(len(post.hashtags) for post in posts)
    for batch in batches([post for post in posts if post.text], 64, "recommending"):
        found = model.recommend([post.text for post in batch], _SHOWN, threshold=0.0)
        pairs = [
            (one.score, one.hashtag in post.hashtags) for post, ones in zip(batch, found, strict=True) for one in ones
        ]
        scores = np.concatenate([scores, [score for score, _ in pairs]])
        right = np.concatenate([right, [is_right for _, is_right in pairs]])

    def f1(threshold: float) -> float:
        shown = scores >= threshold
        return 200 * float(right[shown].sum()) / max(1.0, float(shown.sum()) + gold)

    best = max(np.arange(0, 1, _STEP).round(2).tolist(), key=lambda one: (f1(one), -one))
    return {
        "threshold": best,
        "f1": round(f1(best), 2),
        "shown": round(float((scores >= best).sum()) / len(posts), 2),
        "f1_of_all": round(f1(0.0), 2),
    }
