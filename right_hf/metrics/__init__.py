"""Metrics of hashtag recommendation: micro F1@K and ROUGE on the hashtag sequence."""

from __future__ import annotations

from right_hf.metrics.base import PerPost
from right_hf.metrics.hashtag_f1 import HashtagF1, PrecisionRecallF1, f1_per_post, matches_at_k, micro_f1_at_k
from right_hf.metrics.rouge import HashtagRouge, RougeScores, mean_rouge, rouge_of_post, rouge_per_post

__all__ = [
    "HashtagF1",
    "HashtagRouge",
    "PerPost",
    "PrecisionRecallF1",
    "RougeScores",
    "f1_per_post",
    "matches_at_k",
    "mean_rouge",
    "micro_f1_at_k",
    "rouge_of_post",
    "rouge_per_post",
]
