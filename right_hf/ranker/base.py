"""What every ranker offers, whatever it ranks by."""

from __future__ import annotations

from collections.abc import Sequence

from right_hf.component import Component
from right_hf.ranker.pool import PoolSettings
from right_hf.ranker.records import Trace


class Ranker(Component):
    """Says how likely each hashtag of a post's pool is one that its author would use."""

    role = "ranker"
    #: What goes into the pool; None for a ranker that looks at selector and generator alone.
    pool: PoolSettings | None = None
    #: The features of a pool that it looks at, see [`right_hf.ranker.features`]; None for all.
    features: Sequence[str] | None = None
    #: Whether it orders worse where the generator that it was trained with is not asked.
    needs_generator: bool = True

    def scores(self, traces: Sequence[Trace]) -> list[dict[str, float]]:
        """For each post the hashtags to recommend, each with a score in [0, 1], by which they are ordered."""
        raise NotImplementedError
