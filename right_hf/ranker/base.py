"""What every ranker offers, whatever it ranks by."""

from __future__ import annotations

from right_hf.component import Component
from right_hf.ranker.pool import PoolSettings
from right_hf.ranker.records import Trace


class Ranker(Component):
    """Says how likely each hashtag of a post's pool is one that its author would use."""

    role = "ranker"
    #: What goes into the pool; None for a ranker that looks at selector and generator alone.
    pool: PoolSettings | None = None

    def scores(self, trace: Trace) -> dict[str, float]:
        """The hashtags to recommend for one post, each with a score in [0, 1], by which they are ordered."""
        raise NotImplementedError
