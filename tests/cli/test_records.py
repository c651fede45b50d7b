"""What `right-hf recommend` reads: any coding and stream, with bad lines named and passed over."""

from __future__ import annotations

import gzip
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from right_hf.cli import main
from tests.support.command_line import fail

BAD = [
    b'{"id": "1"}', b"{", b'["text"]', b'{"text": 1}', b'{"text": null}', b"[" * 100_000, b'{"text": "\xff"}',
    b'{"id": NaN, "text": "x"}', b'{"id": 1e999, "text": "x"}', b'{"text": "x", "likes": -Infinity}',
    rb'{"id": "\ud800", "text": "x"}', b'{"id": [1], "text": "x"}', b'{"id": ' + b"9" * 5_000 + b', "text": "x"}',
]  # fmt: skip


class Model:
    """Has no answer, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def recommend(self, posts: list[str], *_: Any, **__: Any) -> list[list[Any]]:
        self.asked += posts
        return [[] for _ in posts]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    model = Model()
    monkeypatch.setattr("right_hf.cli.recommend.load_model", lambda _: model)
    return model


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))


def rows(printed: str) -> list[dict[str, Any]]:
    printed.encode()  # raises where it is no UTF-8
    return [json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in printed.split("\n")[:-1]]


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:24].decode(errors="replace"))
def test_a_bad_line_is_named_and_the_others_are_answered(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    feed(monkeypatch, b'{"text": "bread"}\n' + line + b'\n{"id": 3, "text": "reef"}\n')
    assert main(["recommend", "--jsonl"]) == 1
    printed = capsys.readouterr()
    assert [row["text"] for row in rows(printed.out)] == model.asked == ["bread", "reef"]
    assert printed.err.startswith("right-hf: Line 2 of the input ")
    assert printed.err.count("\n") == 1


def test_on_demand_a_bad_line_ends_it_and_loses_nothing_before_it(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, b'{"text": "bread"}\n{\n{"text": "never"}\n')
    assert main(["recommend", "--jsonl", "--errors", "raise"]) == 1
    printed = capsys.readouterr()
    assert [row["text"] for row in rows(printed.out)] == model.asked == ["bread"]
    assert "error: Line 2 of the input is no JSON" in printed.err


def test_ids_pass_through_and_half_characters_are_replaced(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, rb'{"id": 12345678901234567890, "text": "a \ud83d"}' + b'\n{"id": null, "text": "b"}\n')
    assert main(["recommend", "--jsonl"]) == 0
    found = rows(capsys.readouterr().out)
    assert [(row["id"], row["text"]) for row in found] == [(12345678901234567890, "a \ufffd"), (None, "b")]


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["文件.txt", "文件.gz", "文件.jsonl", "文件.jsonl.gz"])
def test_any_coding_and_gzip(
    capsys: pytest.CaptureFixture[str], model: Model, tmp_path: Path, coding: str, name: str
) -> None:
    texts = ["天气\u2028很好", "reef"]
    lines = [json.dumps({"text": text}) if "jsonl" in name else text for text in texts]
    content = ("\ufeff" * coding.endswith("e") + "\r\n".join(lines)).encode(coding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert main(["recommend", "--input", str(tmp_path / name)]) == 0
    assert [row["text"] for row in rows(capsys.readouterr().out)] == model.asked == texts


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_in_utf_16(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    content = "天气\nreef".encode("utf-16")
    feed(monkeypatch, gzip.compress(content) if packed else content)
    assert main(["recommend", "--input", "-"]) == 0
    assert [row["text"] for row in rows(capsys.readouterr().out)] == ["天气", "reef"]


def test_a_damaged_archive_ends_it_after_what_came_before(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, gzip.compress(b"bread\nreef\n")[:-4])
    assert main(["recommend"]) == 1
    printed = capsys.readouterr()
    assert [row["text"] for row in rows(printed.out)] == model.asked
    assert "the compressed data is damaged or cut off" in printed.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_as_input(capsys: pytest.CaptureFixture[str], model: Model, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text("bread\n"))
    writer.start()
    assert main(["recommend", "--input", str(pipe)]) == 0
    writer.join()
    assert model.asked == ["bread"]


def test_what_is_no_file_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "There is no file" in fail(capsys, "recommend", "--input", str(tmp_path))


def test_posts_of_a_shell_in_another_locale(capsys: pytest.CaptureFixture[str], model: Model) -> None:
    escaped = [text.encode().decode("ascii", "surrogateescape") for text in ("天气", "reef")]
    assert main(["recommend", *escaped, "bad \udcff"]) == 0
    assert [row["text"] for row in rows(capsys.readouterr().out)] == model.asked == ["天气", "reef", "bad \ufffd"]


def test_the_home_folder(
    capsys: pytest.CaptureFixture[str], model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "posts.txt").write_text("bread")
    assert main(["recommend", "--input=~/posts.txt"]) == 0
    assert model.asked == ["bread"]


def test_an_empty_name_of_a_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "got an empty text" in fail(capsys, "recommend", "--model", "", "x")
    assert "There is no device 'nonsense' here" in fail(capsys, "recommend", "--device", "nonsense", "x")
