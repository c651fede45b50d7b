"""What a data set holds: statistics of its splits (the paper's Table 1), coverage by training posts, and leaks."""

from data_report.leaks import Leak, find_leaks
from data_report.report import DataReport, describe
from data_report.statistics import Coverage, SplitStatistics, coverage, split_statistics

__all__ = [
    "Coverage",
    "DataReport",
    "Leak",
    "SplitStatistics",
    "coverage",
    "describe",
    "find_leaks",
    "split_statistics",
]
