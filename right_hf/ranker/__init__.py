"""The ranker: written and retrieved hashtags in one pool, each with a score in [0, 1], its source and its evidence."""

from right_hf.ranker.base import Ranker
from right_hf.ranker.fuse import fuse
from right_hf.ranker.linear import LinearRanker
from right_hf.ranker.pool import Pooler, PoolSettings
from right_hf.ranker.records import FeatureTable, Mention, Pool, Recommendation, Trace

__all__ = [
    "FeatureTable",
    "LinearRanker",
    "Mention",
    "Pool",
    "PoolSettings",
    "Pooler",
    "Ranker",
    "Recommendation",
    "Trace",
    "fuse",
]
