"""ROUGE of recommended hashtags, for `evaluate.load`."""

import right_hf.metrics  # pip install right_hf


class HashtagRouge(right_hf.metrics.HashtagRouge):
    """See `right_hf.metrics.HashtagRouge`."""
