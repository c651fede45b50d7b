"""Data: posts from files, folders and the Hub in one schema, the protocols of experiments, statistics and leaks."""

from right_hf.data.hub import DatasetOptions
from right_hf.data.leaks import Leak, find_leaks
from right_hf.data.loading import SPLITS, load_split, load_splits
from right_hf.data.protocol import PROTOCOLS, apply_protocol, small
from right_hf.data.report import DataReport, describe
from right_hf.data.statistics import Coverage, SplitStatistics, coverage, split_statistics

__all__ = [
    "PROTOCOLS",
    "SPLITS",
    "Coverage",
    "DataReport",
    "DatasetOptions",
    "Leak",
    "SplitStatistics",
    "apply_protocol",
    "coverage",
    "describe",
    "find_leaks",
    "load_split",
    "load_splits",
    "small",
    "split_statistics",
]
