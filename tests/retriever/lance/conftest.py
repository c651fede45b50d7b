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


def assert_a_second_writer_is_noticed(one: Path, other: Path) -> None:
    """Of two folders of one table, where no lock stops it; "new" comes and "e01" goes."""
    with closing(LanceRetriever.open(one)) as first, closing(LanceRetriever.open(other)) as second:
        first.add([NEW])
        with pytest.raises(RuntimeError, match="changed by another process"):
            second.remove(["e01"])
        second.refresh()
        second.remove(["e01"])
        with pytest.raises(RuntimeError, match="One at a time may write"):
            first.remove(["e02"])
