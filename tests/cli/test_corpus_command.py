"""`right-hf corpus` and `right-hf index --store lance`."""

from __future__ import annotations

from pathlib import Path

import pytest

from right_hf import BM25Retriever, Post
from right_hf.retriever import LanceRetriever
from tests.support.command_line import TEXT, fail, run
from tests.support.smoke_data import write_splits


@pytest.fixture
def table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> str:
    write_splits(tmp_path / "data")
    run(capsys, "index", str(tmp_path / "data"), "--store", "lance", "--output", str(tmp_path / "table"))
    return str(tmp_path / "table")


def test_posts_are_indexed_into_a_table(
    capsys: pytest.CaptureFixture[str], table: str, checkpoint: str, tmp_path: Path
) -> None:
    run(capsys, "index", str(tmp_path / "data"), "--output", str(tmp_path / "index"))
    found = [
        run(capsys, "recommend", "--model", checkpoint, "--retriever", place, TEXT)
        for place in (table, str(tmp_path / "index"))
    ]
    assert found[0] == found[1] and found[0][0]["recommendations"]


def test_a_table_lies_at_an_address(capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path) -> None:
    posts, store = str(tmp_path / "data"), str(tmp_path / "store")
    [done] = run(
        capsys, "index", posts, "--store", "lance", "--table", store, "--output", str(tmp_path / "far"), "--k1", "2"
    )
    far = LanceRetriever.from_pretrained(tmp_path / "far")
    assert (done["posts"], far.k1, (Path(store) / "posts.lance").is_dir()) == (len(far.corpus), 2.0, True)
    assert "--store lance" in fail(capsys, "index", posts, "--table", store, "--output", str(tmp_path / "x"), code=2)


def test_a_table_is_compacted_and_gone_back_in(capsys: pytest.CaptureFixture[str], table: str) -> None:
    first = run(capsys, "corpus", "versions", table)[0]
    opened = LanceRetriever.open(table)
    for row in range(3):
        opened.add([Post(f"n{row}", "comet", ("comet",))])
    assert "open for changes elsewhere" in fail(capsys, "corpus", "compact", table)
    opened.close()
    [done] = run(capsys, "corpus", "compact", table)
    assert done == {"posts": first["posts"] + 3, "freed_bytes": 0}
    found = run(capsys, "corpus", "versions", table)
    assert [one["version"] for one in found] == sorted((one["version"] for one in found), reverse=True)
    assert {one["posts"] for one in found} >= {first["posts"], first["posts"] + 1, first["posts"] + 3}
    assert run(capsys, "corpus", "restore", table, str(first["version"])) == [{"posts": first["posts"]}]
    assert len(LanceRetriever.from_pretrained(table).corpus) == first["posts"]
    assert "at version 9999 cannot be read" in fail(capsys, "corpus", "restore", table, "9999")


def test_a_corpus_moves_both_ways(capsys: pytest.CaptureFixture[str], table: str, tmp_path: Path) -> None:
    index, again = str(tmp_path / "index"), str(tmp_path / "again")
    run(capsys, "corpus", "move", table, "--store", "bm25", "--output", index)
    run(capsys, "corpus", "move", index, "--store", "lance", "--output", again)
    old, memory, new = (
        LanceRetriever.from_pretrained(table),
        BM25Retriever.from_pretrained(index),
        LanceRetriever.from_pretrained(again),
    )
    assert list(old.corpus) == list(memory.corpus) == list(new.corpus)
    assert old.search([TEXT, "cloud"]) == memory.search([TEXT, "cloud"]) == new.search([TEXT, "cloud"])
    assert old.corpus.forms.variants == new.corpus.forms.variants


def test_what_is_no_table_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path, checkpoint: str) -> None:
    assert "no index folder" in fail(capsys, "corpus", "compact", str(tmp_path / "none"))
    message = fail(capsys, "corpus", "versions", str(Path(checkpoint) / "retriever"))
    assert "holds a retriever of type 'bm25'" in message
