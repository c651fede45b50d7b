"""Micro F1@K of recommended hashtags, for `evaluate.load`."""

import right_hf.metrics  # pip install right_hf


class HashtagF1(right_hf.metrics.HashtagF1):
    """See `right_hf.metrics.HashtagF1`."""
