"""Indexing over an engine: the folder is that of one process, to the last byte."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from right_hf import BM25Retriever, read_posts
from right_hf.corpus import Corpus
from right_hf.retriever import postings
from tests.support.command_line import fail, run
from tests.support.paths import ROOT

FILE = ROOT / "training" / "showcase" / "test.jsonl"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_CHUNK", 50)
    for module in ("loading", "rows"):
        monkeypatch.setattr(f"right_hf.data.{module}.DEALT", 20)


def test_the_index_is_the_same_to_the_last_byte(
    tmp_path: Path, small_chunks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": post.id, "text": post.text, "hashtags": list(post.hashtags)} for post in read_posts(FILE)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "posts.parquet")
    for data in (FILE, tmp_path / "posts.parquet"):
        said = [
            run(capsys, "index", str(data), "--output", str(tmp_path / f"index-{workers}"), "--workers", workers)[0]
            for workers in ("1", "3")
        ]
        assert [said[0] | {"output": ""}] == [said[1] | {"output": ""}]
        alone, shared = contents(tmp_path / "index-1"), contents(tmp_path / "index-3")
        assert alone == shared and len(alone) > 3
    BM25Retriever(Corpus(read_posts(FILE), ())).save_pretrained(tmp_path / "plain")
    run(capsys, "index", str(FILE), "--output", str(tmp_path / "unmerged"), "--no-variants", "--workers", "2")
    assert contents(tmp_path / "plain") == contents(tmp_path / "unmerged")


def test_the_first_bad_line_is_named(tmp_path: Path, small_chunks: None, capsys: pytest.CaptureFixture[str]) -> None:
    line = '{"text": "bread", "hashtags": ["baking"]}\n'
    (tmp_path / "posts.jsonl").write_text(line * 70 + "{\n" + line * 9 + "[\n", encoding="utf-8")
    said = fail(capsys, "index", str(tmp_path / "posts.jsonl"), "--output", str(tmp_path / "i"), "--workers", "2")
    assert f"{tmp_path}/posts.jsonl, line 71: " in said


@pytest.mark.slow
def test_ray_indexes_as_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    run(capsys, "index", str(FILE), "--output", str(tmp_path / "alone"))
    ray = ("--engine", "ray", "--address", "local", "--actors", "2")
    run(capsys, "index", str(FILE), "--output", str(tmp_path / "ray"), *ray)
    assert contents(tmp_path / "alone") == contents(tmp_path / "ray")
