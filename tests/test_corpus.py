from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from right_hf.corpus import Corpus
from right_hf.corpus_files import CORPUS_FILE
from right_hf.posts import Post
from right_hf.spelling.counts import SPELLINGS_FILE
from right_hf.spelling.variant_table import VARIANTS_FILE

POSTS = [
    Post("b", "second 你好", ("x", "y"), created_at="2020-01-01T00:00:00Z", license="MIT"),
    Post("a", "first"),
    Post("B", "", ("x",)),
]


def test_posts_are_ordered_by_id_whatever_order_they_came_in() -> None:
    corpus = Corpus(POSTS)
    assert [post.id for post in corpus] == ["B", "a", "b"]
    assert list(corpus) == list(Corpus(POSTS[::-1]))
    assert (len(corpus), corpus[2], corpus.row("b"), corpus.row("c")) == (3, POSTS[0], 2, None)
    assert corpus.hashtags == ["x", "y"]


def test_save_and_load(tmp_path: Path) -> None:
    Corpus(POSTS).save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CORPUS_FILE, SPELLINGS_FILE, VARIANTS_FILE}
    loaded = Corpus.load(tmp_path)
    assert list(loaded) == list(Corpus(POSTS))
    assert loaded.row("a") == 1


def test_a_corpus_needs_posts_with_distinct_ids() -> None:
    with pytest.raises(ValueError, match="at least one post"):
        Corpus([])
    with pytest.raises(ValueError, match="'a' occurs twice"):
        Corpus([*POSTS, POSTS[1]])


@pytest.mark.parametrize("content", [None, b"", b"no parquet at all", "truncated"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | str | None) -> None:
    Corpus(POSTS).save(tmp_path)
    path = tmp_path / CORPUS_FILE
    if content is None:
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r"corpus\.parquet is missing, damaged or no corpus.*index again"):
        Corpus.load(tmp_path)


@pytest.mark.parametrize(
    "columns",
    [
        {"other": [1]},
        {"id": ["a", "b"], "text": ["", ""], "created_at": ["", ""], "license": ["", ""]},
        {"id": ["a"], "text": [None], "hashtags": [["x"]], "created_at": [None], "license": [None]},
        {"id": ["a"], "text": ["t"], "hashtags": ["x"], "created_at": [None], "license": [None]},
    ],
)
def test_a_file_with_other_columns_or_holes_is_refused(tmp_path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), tmp_path / CORPUS_FILE)
    with pytest.raises(ValueError, match=r"corpus\.parquet is missing, damaged or no corpus"):
        Corpus.load(tmp_path)
