"""Each retriever keeps what all promise."""

from __future__ import annotations

import pytest

from right_hf import BM25Retriever, DenseRetriever, HybridRetriever, Post, Retriever
from tests.support.retriever_contract import RetrieverContract

pytestmark = pytest.mark.usefixtures("offline")


class TestBm25(RetrieverContract):
    @pytest.fixture
    def retriever(self, english_posts: list[Post]) -> Retriever:
        return BM25Retriever.from_posts(english_posts)


class TestDense(RetrieverContract):
    @pytest.fixture
    def retriever(self, dense_retriever: DenseRetriever) -> Retriever:
        return dense_retriever


class TestHybrid(RetrieverContract):
    @pytest.fixture
    def retriever(self, english_posts: list[Post], dense_retriever: DenseRetriever) -> Retriever:
        return HybridRetriever(BM25Retriever.from_posts(english_posts), dense_retriever)
