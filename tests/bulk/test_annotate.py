"""`right-hf annotate`: every row answered once as the pipeline answers it, whatever is wrong with others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, RightModel
from right_hf.bulk.annotating import RECOMMENDATIONS
from right_hf.cli import main
from tests.support.command_line import fail, run
from tests.support.paths import ROOT

NOW = 1_600_000_000
TEXTS = ["Ten steps to plan a cloud migration", "Fresh bread needs time", "Late goal! What a match", "", "x"] * 9


def annotate(folder: Path, *more: str, output: str = "out") -> list[str]:
    """The arguments that annotate the files of a folder."""
    return ["annotate", "--input", f"{folder}/in", "--output", f"{folder}/{output}", "--now", str(NOW), *more]


def rows(output: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(output.glob("part-*")):
        if path.suffix == ".parquet":
            found += pq.read_table(path).to_pylist()
        else:
            found += map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return found


def rejected(output: Path) -> list[dict[str, Any]]:
    files = sorted((output / "_rejected").glob("*"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    table = pa.table({"id": [str(n) for n in range(45)], "text": TEXTS, "at": [datetime(2020, 1, 1)] * 45})
    pq.write_table(table, tmp_path / "in" / "posts.parquet", row_group_size=10)
    return tmp_path


def write_jsonl(folder: Path, *lines: str) -> Path:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "posts.jsonl").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    return folder


@pytest.mark.parametrize("workers", ["1", "2"])
def test_answers_are_those_of_the_pipeline(parquet: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    [summary] = run(capsys, *annotate(parquet, "--workers", workers, "--batch-size", "4", "--piece-rows", "6"))
    assert (summary["posts"], summary["rejected"], summary["pieces"], summary["failures"]) == (45, 0, 6, [])
    pipe: Any = pipeline("hashtag-recommendation", model=RightModel.from_pretrained(DEFAULT_CHECKPOINT))  # type: ignore[call-overload]
    expected = pipe(TEXTS, now=NOW, style="common", batch_size=4)
    found = rows(parquet / "out")
    assert [row["recommendations"] for row in found] == json.loads(json.dumps(expected))
    assert any(row["recommendations"] for row in found)
    assert [row["id"] for row in found] == [str(n) for n in range(45)]
    assert {row["at"] for row in found} == {datetime(2020, 1, 1)}


def test_the_output_is_read_as_one_table(parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *annotate(parquet, "--model", checkpoint, "--piece-rows", "16", "--column", "tags"))
    table = pq.read_table(parquet / "out")
    assert table.column_names == ["id", "text", "at", "tags"] and table.num_rows == 45
    assert table.schema.field("tags").type == RECOMMENDATIONS
    assert json.loads((parquet / "out" / "_summary.json").read_text())["posts"] == 45
    assert not [path.name for path in (parquet / "out").iterdir() if path.name.startswith(".")]


def test_a_second_run_goes_on_and_does_nothing_twice(
    parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = annotate(parquet, "--model", checkpoint, "--piece-rows", "16")
    run(capsys, *command)
    before, kept = rows(parquet / "out"), (parquet / "out" / "part-00000.parquet").stat().st_mtime_ns
    (parquet / "out" / "part-00001.parquet").unlink()
    (parquet / "out" / ".part-00001.parquet.new-x.parquet").write_bytes(b"PAR1")  # of a process that was killed
    [summary] = run(capsys, *command, "--workers", "2")
    assert (summary["posts"], summary["annotated_now"]) == (45, 16)
    assert rows(parquet / "out") == before
    assert (parquet / "out" / "part-00000.parquet").stat().st_mtime_ns == kept
    assert not list((parquet / "out").glob(".part*"))
    without_now = [part for part in command if part not in ("--now", str(NOW))]
    [summary] = run(capsys, *without_now)
    assert (summary["annotated_now"], summary["now"]) == (0, NOW)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--top-k", "3"), "options.top_k (then 5, now 3)"),
        (("--piece-rows", "32"), "options.piece_rows"),
        (("--no-ranker",), "model.ranker"),
        (("--now", "7"), "now (then 1600000000.0, now 7.0)"),
    ],
)
def test_another_run_is_refused(
    parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], what: str
) -> None:
    command = annotate(parquet, "--model", checkpoint)
    run(capsys, *command)
    said = fail(capsys, *command, *more)
    assert "was begun by another run" in said and what in said and "--overwrite" in said
    run(capsys, *command, *more, "--overwrite")


def test_changed_input_is_refused(parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = annotate(parquet, "--model", checkpoint)
    run(capsys, *command)
    pq.write_table(pa.table({"text": ["another"]}), parquet / "in" / "posts.parquet")
    assert f"the input {parquet}/in/posts.parquet (changed)" in fail(capsys, *command)
    pq.write_table(pa.table({"text": ["another"]}), parquet / "in" / "more.parquet")
    assert "more.parquet (new)" in fail(capsys, *command)


def test_bad_lines_are_named_and_the_rest_is_answered(
    tmp_path: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        '{"id": 1, "text": "bread", "deep": {"a": [1]}}',
        '{"id": 2, "text": null}',
        '{"id": 3, "text": "bread"',
        '{"id": 4, "text": 5}',
        "[]",
        "",
        '{"id": null, "text": "bread"}',
        '{"id": 5, "text": "half \\ud800 bread"}',
        '{"id": 6, "text": "bread", "score": NaN}',
        '{"id": 7, "text": "面包 bread", "recommendations": []}',
        '{"id": "8", "text": "面包 bread"}',
    ]
    [summary] = run(capsys, *annotate(write_jsonl(tmp_path, *lines), "--model", checkpoint, "--id-column", "id"))
    assert (summary["posts"], summary["rejected"]) == (3, 7)
    assert [row["id"] for row in rows(tmp_path / "out")] == [1, 5, "8"]
    assert rows(tmp_path / "out")[0]["deep"] == {"a": [1]}
    assert rows(tmp_path / "out")[1]["text"] == "half \ud800 bread"
    bad = rejected(tmp_path / "out")
    content = (tmp_path / "in" / "posts.jsonl").read_bytes()
    starts = [content[row["byte"] :].split(b"\n")[0].decode() for row in bad]
    assert starts == [line for line in lines if line and json_id(line) not in (1, 5, "8")]
    reasons = ["no string under", "is no JSON (", "no string under", "no JSON object: []", 'number under "id"']
    for row, reason in zip(bad, [*reasons, "NaN is not allowed", "'recommendations' already"], strict=True):
        assert reason in row["reason"] and row["file"] == f"{tmp_path}/in/posts.jsonl"


def json_id(line: str) -> Any:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found["id"] if isinstance(found, dict) and "recommendations" not in found and "NaN" not in line else None


def test_lines_as_columns(tmp_path: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.dumps({"text": "bread", "n": n}) for n in range(30)]
    write_jsonl(tmp_path, *lines)
    run(capsys, *annotate(tmp_path, "--model", checkpoint, "--format", "parquet"))
    assert pq.read_table(tmp_path / "out").column("n").to_pylist() == list(range(30))
    write_jsonl(tmp_path, '{"text": "bread", "n": 1}', '{"text": "bread", "n": "two"}')
    assert "'n' has values of several kinds" in fail(capsys, *annotate(tmp_path, "--format", "parquet", output="o"))


def test_columns_as_lines(parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, *annotate(parquet, "--model", checkpoint, "--format", "jsonl"))
    assert rows(parquet / "out")[0]["at"] == "2020-01-01T00:00:00"
    pq.write_table(pa.table({"text": ["a", "b"], "raw": [b"\xff", None]}), parquet / "in" / "posts.parquet")
    [summary] = run(capsys, *annotate(parquet, "--model", checkpoint, "--format", "jsonl", output="o"))
    assert (summary["posts"], summary["rejected"]) == (1, 1)
    assert "--format parquet keeps any column" in rejected(parquet / "o")[0]["reason"]


def test_rows_without_text(tmp_path: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": ["bread", None, "bread"]}), tmp_path / "in" / "a.parquet")
    pq.write_table(pa.table({"text": pa.array([None, None], pa.string())}), tmp_path / "in" / "b.parquet")
    [summary] = run(capsys, *annotate(tmp_path, "--model", checkpoint))
    assert (summary["posts"], summary["rejected"], summary["pieces"]) == (2, 3, 2)
    assert [row["row"] for row in rejected(tmp_path / "out")] == [1, 0, 1]
    assert pq.read_table(tmp_path / "out").num_rows == 2


def test_a_damaged_file_is_named_and_the_rest_is_answered(
    parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (parquet / "in" / "posts.parquet").read_bytes()
    (parquet / "in" / "cut.parquet").write_bytes(content[:-20])
    (parquet / "in" / "empty.parquet").touch()
    middle = bytearray(content)
    middle[10:200] = bytes(190)
    (parquet / "in" / "holes.parquet").write_bytes(middle)
    assert main(annotate(parquet, "--model", checkpoint)) == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["posts"] == 45 and len(summary["failures"]) == 3
    for name in ("cut", "empty", "holes"):
        assert any(one.startswith(f"{parquet}/in/{name}.parquet cannot be read: ") for one in summary["failures"])


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--input", "{0}/no*.parquet"), "No file matches"),
        (("--input", "{0}/in", "--text-column", "body"), "has no column 'body', only id, text, at"),
        (("--input", "{0}/in", "--text-column", "at"), "holds timestamp"),
        (("--input", "{0}/in", "--id-column", "key"), "--id-column"),
        (("--input", "{0}/in", "--column", "id"), "has a column 'id' already"),
        (("--input", "{0}/in", "--output", "{0}/in/out"), "lies where the input"),
        (("--input", "{0}/*/*.parquet", "--output", "{0}/out"), "lies where the input"),
        (("--input", "{0}/in/posts.parquet", "--output", "{0}/in"), "lies where the input"),
        (("--input", "{0}/in/posts.parquet", "--output", "{0}/full"), "holds files but no _manifest.json"),
        (("--input", "{0}/full/notes.txt",), "is of no known format"),
        (("--input", "{0}/full/none.jsonl",), "hold no post"),
        (("--input", "s3://bucket/posts"), "pip install s3fs"),
        (("--input", "nowhere://posts"), "cannot be opened"),
    ],
)  # fmt: skip
def test_what_users_get_wrong(
    parquet: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], what: str
) -> None:
    (parquet / "full").mkdir()
    (parquet / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    (parquet / "full" / "none.jsonl").touch()
    if "pip install s3fs" in what and "s3fs" in sys.modules:
        pytest.skip("s3fs is installed")
    given = [part.format(parquet) for part in arguments]
    output = [] if "--output" in given else ["--output", f"{parquet}/new"]
    assert what in fail(capsys, "annotate", *given, *output)
    assert not (parquet / "new").exists()
    assert sorted(os.listdir(parquet / "full")) == ["none.jsonl", "notes.txt"]


def test_options_of_the_other_engine(parquet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--actors is for --engine ray" in fail(capsys, *annotate(parquet, "--actors", "2"), code=2)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills a group of processes")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on(parquet: Path, capsys: pytest.CaptureFixture[str], workers: str) -> None:
    texts = [f"{text} {number}" for number, text in enumerate(TEXTS * 10)]
    pq.write_table(pa.table({"text": texts}), parquet / "in" / "posts.parquet")
    command = annotate(parquet, "--piece-rows", "16", "--workers", workers)
    process = subprocess.Popen(
        [sys.executable, "-m", "right_hf", *command], cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL
    )
    while len(list((parquet / "out").glob("part-*"))) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    times = {path: path.stat().st_mtime_ns for path in (parquet / "out").glob("part-*")}
    [summary] = run(capsys, *command)
    assert 0 < summary["annotated_now"] == 450 - 16 * len(times) and summary["posts"] == 450
    assert [row["text"] for row in rows(parquet / "out")] == texts
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in times.items())
    whole = run(capsys, *annotate(parquet, "--piece-rows", "16", output="whole"))[0]
    assert whole["posts"] == 450 and rows(parquet / "out") == rows(parquet / "whole")
