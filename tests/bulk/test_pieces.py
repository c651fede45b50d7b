"""Pieces: every row of a file is in exactly one, wherever they are cut."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.bulk.inputs import list_inputs
from right_hf.bulk.json_rows import json_batches, lines_between
from right_hf.bulk.parquet_rows import parquet_batches
from right_hf.bulk.pieces import Piece, cut_inputs
from right_hf.bulk.rows import Layout, Rejects

LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12), max_size=12)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.lists(st.integers(0, 200), max_size=6))
def test_ranges_that_make_up_a_file_hold_each_line_once(
    lines: list[str], end: str, ends: bool, cuts: list[int]
) -> None:
    content = (end.join(lines) + (end if ends else "")).encode()
    borders = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    found = [
        (at, line) for start, stop in pairwise(borders) for at, line in lines_between(io.BytesIO(content), start, stop)
    ]
    assert b"".join(line for _, line in found) == content
    assert all(content.startswith(line, at) and (at == 0 or content[at - 1 : at] == b"\n") for at, line in found)
    assert len(found) == content.count(b"\n") + (bool(content) and not content.endswith(b"\n"))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=40), st.integers(1, 50))
def test_rows_of_json_are_the_same_however_many_make_a_piece(texts: list[str], rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "posts.jsonl"
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        pieces = cut_inputs(list_inputs(str(file)), rows)
        assert [piece.number for piece in pieces] == list(range(len(pieces)))
        assert read(pieces, Layout(size=4, output="jsonl")) == texts


def read(pieces: list[Piece], layout: Layout) -> list[str]:
    readers: Any = {"jsonl": json_batches, "parquet": parquet_batches}
    found: list[str] = []
    for piece in pieces:
        rejects = Rejects(piece)
        for batch in readers[piece.format](piece, layout, rejects):
            assert len(batch.texts) == len(batch.rows) <= layout.size
            found += batch.texts
        assert not rejects.rows
    return found


@pytest.mark.parametrize("group", [1, 7, 64, 1000])
@pytest.mark.parametrize("rows", [1, 16, 50, 1000])
def test_rows_of_parquet_are_the_same_however_they_are_grouped(tmp_path: Path, group: int, rows: int) -> None:
    texts = [f"post {number}" for number in range(130)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "posts.parquet", row_group_size=group)
    pieces = cut_inputs(list_inputs(str(tmp_path)), rows)
    assert len(pieces) == -(-len(texts) // rows)
    assert read(pieces, Layout(size=16)) == texts


@pytest.mark.parametrize("coding", ["gzip", "utf-16", "utf-8-sig"])
def test_files_in_other_codings(tmp_path: Path, coding: str) -> None:
    texts = ["Kaffee ☕", "Ċ\u0a0a", "x"] * 20
    content = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    file = tmp_path / ("posts.jsonl.gz" if coding == "gzip" else "posts.jsonl")
    file.write_bytes(gzip.compress(content.encode()) if coding == "gzip" else content.encode(coding))
    pieces = cut_inputs(list_inputs(str(file)), 8)
    assert (len(pieces) == 1) == (coding != "utf-8-sig")
    assert read(pieces, Layout(output="jsonl")) == texts


def test_empty_files_have_no_piece(tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").touch()
    assert cut_inputs(list_inputs(str(tmp_path / "posts.jsonl")), 10) == []
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "posts.parquet")
    assert cut_inputs(list_inputs(str(tmp_path / "posts.parquet")), 10) == []
