"""Recommendations for one trace, as a model makes them with a ranker."""

from __future__ import annotations

from right_hf.ranker import Ranker, Recommendation, Trace, fuse


def fused(trace: Trace, ranker: Ranker) -> list[Recommendation]:
    [scores] = ranker.scores([trace])
    return fuse(trace, scores)
