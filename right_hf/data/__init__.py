"""Data: posts from files, folders and the Hub in one schema, and which of them an experiment uses."""

from right_hf.data.loading import SPLITS, iter_split, load_split, load_splits, read_posts
from right_hf.data.protocol import PROTOCOLS, apply_protocol, small
from right_hf.data.rows import DatasetOptions

__all__ = [
    "PROTOCOLS",
    "SPLITS",
    "DatasetOptions",
    "apply_protocol",
    "iter_split",
    "load_split",
    "load_splits",
    "read_posts",
    "small",
]
