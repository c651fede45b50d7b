"""A table, open for writing, and a post that is not in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from right_hf import Post
from right_hf.retriever import LanceRetriever

NEW = Post("new", "a comet over the harbour", ("comet", "brand new"), spellings=("", "BrandNew"))


@pytest.fixture
def folder(english_posts: list[Post], tmp_path: Path) -> Path:
    LanceRetriever.from_posts(english_posts, tmp_path / "table")
    return tmp_path / "table"


@pytest.fixture
def opened(folder: Path) -> Iterator[LanceRetriever]:
    with closing(LanceRetriever.open(folder)) as retriever:
        yield retriever
