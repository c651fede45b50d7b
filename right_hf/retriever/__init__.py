"""Retrievers: find the posts of a corpus that are similar to a given one."""

from right_hf.retriever.base import Follower, Hit, Retriever
from right_hf.retriever.hybrid import HybridRetriever, fused_hits, reciprocal_ranks
from right_hf.retriever.votes import summed_votes, votes

__all__ = [
    "Follower",
    "Hit",
    "HybridRetriever",
    "Retriever",
    "fused_hits",
    "reciprocal_ranks",
    "summed_votes",
    "votes",
]
