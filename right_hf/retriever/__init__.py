"""Retrievers: find the posts of a corpus that are similar to a given one."""

from right_hf.retriever.base import Hit, LivingRetriever, Retriever
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.retriever.dense import DenseRetriever
from right_hf.retriever.hybrid import HybridRetriever, fused_hits, parts_of, reciprocal_ranks, search_each
from right_hf.retriever.votes import summed_votes, votes

__all__ = [
    "BM25Retriever",
    "DenseRetriever",
    "Hit",
    "HybridRetriever",
    "LivingRetriever",
    "Retriever",
    "fused_hits",
    "parts_of",
    "reciprocal_ranks",
    "search_each",
    "summed_votes",
    "votes",
]
