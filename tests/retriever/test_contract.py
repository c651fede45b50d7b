"""Each retriever keeps what all promise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from right_hf import BM25Retriever, DenseRetriever, HybridRetriever, Post, Retriever
from right_hf.retriever import LanceRetriever
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


class TestLance(RetrieverContract):
    searched = ("bm25",)

    @pytest.fixture
    def retriever(self, english_posts: list[Post], tmp_path: Path) -> Iterator[Retriever]:
        LanceRetriever.from_posts(english_posts, tmp_path / "table")
        with closing(LanceRetriever.open(tmp_path / "table")) as opened:
            yield opened


class TestLanceWithVectors(RetrieverContract):
    searched = ("bm25", "dense")

    @pytest.fixture
    def retriever(
        self, english_posts: list[Post], dense_retriever: DenseRetriever, tmp_path: Path
    ) -> Iterator[Retriever]:
        LanceRetriever.from_posts(english_posts, tmp_path / "table", encoder=dense_retriever.encoder)
        with closing(LanceRetriever.open(tmp_path / "table")) as opened:
            yield opened
