"""Retrievers: find the posts of a corpus that are similar to a given one."""

from right_hf.retriever.base import Hit, LivingRetriever, Retriever
from right_hf.retriever.bm25 import BM25Retriever
from right_hf.retriever.dense import DenseRetriever

__all__ = ["BM25Retriever", "DenseRetriever", "Hit", "LivingRetriever", "Retriever"]
