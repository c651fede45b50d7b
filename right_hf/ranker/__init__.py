"""Fusion: written and retrieved hashtags in one pool, each with a score in [0, 1], its source and its evidence."""

from right_hf.ranker.pool import ClueFinder, PoolSettings
from right_hf.ranker.features import FEATURES, FeatureTable, pool_table
from right_hf.ranker.fuse import fuse
from right_hf.ranker.linear import Features, FusionWeights, fused_score, pool_features
from right_hf.ranker.mentions import MentionFinder
from right_hf.ranker.tree_ranker import TreeRanker
from right_hf.ranker.records import Clues, Facts, Mention, Recommendation, Scorer, Source, Trace

__all__ = [
    "FEATURES",
    "ClueFinder",
    "Clues",
    "Facts",
    "FeatureTable",
    "Features",
    "FusionWeights",
    "Mention",
    "MentionFinder",
    "PoolSettings",
    "Recommendation",
    "Scorer",
    "Source",
    "Trace",
    "TreeRanker",
    "fuse",
    "fused_score",
    "pool_features",
    "pool_table",
]
