"""The command line, called in this process; what a process of its own shows is in test_process.py, the Hub in
test_hub_commands.py.
"""

from __future__ import annotations

import io
import json
import os
import shlex
from pathlib import Path
from typing import Any

import datasets
import pytest

import right_hf.data
from right_hf import BM25Retriever, RightModel
from right_hf.cli import build_parser, main
from right_hf.cli.options import SPLITS, moment
from right_hf.layout import ROLES
from tests.support.command_line import TEXT, fail, run
from tests.support.line_files import write_lines
from tests.support.smoke_data import write_splits


def feed(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode("utf-8", errors="surrogateescape"))))


def test_posts_as_arguments(capsys: pytest.CaptureFixture[str], checkpoint: str, model: RightModel) -> None:
    rows = run(capsys, "recommend", "--model", checkpoint, "--top-k", "2", TEXT, "Fresh bread")
    assert [row["text"] for row in rows] == [TEXT, "Fresh bread"]
    expected = [
        [entry.hashtag for entry in found] for found in model.recommend([TEXT, "Fresh bread"], 2, style="common")
    ]
    assert [[entry["hashtag"] for entry in row["recommendations"]] for row in rows] == expected
    assert set(rows[0]["recommendations"][0]) == {"hashtag", "score", "source", "evidence", "present", "posted"}


def test_the_generator_is_left_out(capsys: pytest.CaptureFixture[str], checkpoint: str) -> None:
    [row] = run(capsys, "recommend", "--model", checkpoint, "--no-generator", TEXT)
    assert {entry["source"] for entry in row["recommendations"]} == {"retrieved"}


@pytest.mark.parametrize("now", ["2020-01-02T00:00Z", "2020-01-02", "1577923200", "1577923200.0"])
def test_the_time_of_the_posts_reaches_the_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, now: str
) -> None:
    given: list[Any] = []

    class Model:
        def recommend(self, posts: list[str], *_: Any, now: float | None, **others: Any) -> list[list[Any]]:
            given.append(now)
            return [[] for _ in posts]

    monkeypatch.setattr("right_hf.cli.recommend.load_model", lambda _: Model())
    run(capsys, "recommend", "--now", now, TEXT)
    run(capsys, "recommend", TEXT)
    assert given == [1577923200.0, None]
    assert moment("0") == 0.0


def test_splits_are_those_of_the_loader() -> None:
    assert SPLITS == right_hf.data.SPLITS


def test_lines_of_standard_input_keep_their_order_and_number(
    capsys: pytest.CaptureFixture[str], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, f"{TEXT}\n\nbad \udcff bytes\r\nlast")
    rows = run(capsys, "recommend", "--model", checkpoint, "--batch-size", "2")
    assert [row["text"] for row in rows] == [TEXT, "", "bad \ufffd bytes", "last"]
    assert rows[1]["recommendations"] == []


def test_json_lines_keep_their_ids(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"id": "7", "text": "bread", "hashtags": ["x"]}\n\n{"text": "reef"}\n', encoding="utf-8")
    rows = run(capsys, "recommend", "--model", checkpoint, "--input", str(file))
    assert [(row.get("id"), row["text"]) for row in rows] == [("7", "bread"), (None, "reef")]
    assert "hashtags" not in rows[0]


def test_threshold(capsys: pytest.CaptureFixture[str], checkpoint: str) -> None:
    [row] = run(capsys, "recommend", "--model", checkpoint, "--threshold", "1", TEXT)
    assert row["recommendations"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unknown",),
        ("recommend", "--top-k", "0", "x"),
        ("recommend", "--threshold", "1.5", "x"),
        ("recommend", "--top", "3", "x"),
        ("recommend", "--jsonl", "x"),
        ("recommend", "--now", "yesterday", "x"),
        ("recommend", "--generator", "g", "--no-generator", "x"),
        ("train", "selector", "--recipe", "r", "--data", "d", "--output", "o", "--generator", "g"),
        ("train",),
        ("index", "posts.jsonl"),
        ("push", "model", "folder"),
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert "right-hf" in fail(capsys, *arguments, code=2)


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "There is no file" in fail(capsys, "recommend", "--input", str(tmp_path / "none"))
    assert "no checkpoint folder" in fail(capsys, "recommend", "--model", str(tmp_path / "none"), "x")
    assert "No file or folder" in fail(capsys, "index", str(tmp_path / "none"), "--output", str(tmp_path / "index"))
    assert "none" in fail(capsys, "evaluate", "--data", str(tmp_path / "none"))
    assert "No recipe at" in fail(capsys, "train", "selector", "--recipe", "r", "--data", "d", "--output", "o")
    assert "config.json is missing" in fail(capsys, "card", str(tmp_path / "none"))
    assert "There is no folder" in fail(capsys, "push", "model", str(tmp_path / "none"), "user/x")
    (tmp_path / "file").touch()
    assert "is a file; a checkpoint is" in fail(capsys, "recommend", "--model", str(tmp_path / "file"), "x")
    assert "config.json is missing" in fail(capsys, "card", str(tmp_path / "file"))
    assert "is no RIGHT checkpoint" in fail(capsys, "push", "model", str(tmp_path), "user/x")


def test_debug_shows_where(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["recommend", "--debug", "--input", str(tmp_path / "none")]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("right_hf.cli.recommend.load_model", interrupt)
    assert fail(capsys, "recommend", "x", code=130) == "right-hf: interrupted\n"


def test_a_reader_that_has_enough_ends_it_quietly(
    capsys: pytest.CaptureFixture[str], checkpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nobody:
        monkeypatch.setattr("sys.stdout", nobody)
        assert main(["recommend", "--model", checkpoint, TEXT]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "command",
    ["recommend", "index", "evaluate", "train", *(f"train {name}" for name in (*ROLES, "checkpoint")), "push",
     "push model", "push dataset", "push metric", "pull", "card"],
)  # fmt: skip
def test_help_teaches_by_examples_that_parse(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    examples = [line for line in text.split("examples:")[1].replace("\\\n", " ").splitlines() if "right-hf " in line]
    assert any(f"right-hf {command}" in line for line in examples)
    for line in examples:
        words = shlex.split(line.partition("right-hf ")[2], comments=True)
        end = next((i for i, word in enumerate(words) if word in {"|", ">", "<"}), len(words))
        assert build_parser().parse_args(words[:end]).run


def test_an_index_takes_the_place_of_the_checkpoints_own(
    capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path
) -> None:
    data = tmp_path / "posts.jsonl"
    posts = [("1", "warm seas and reef fish", "reef fish"), ("2", "bread and salt", "salt")]
    lines = [json.dumps({"id": i, "text": text, "hashtags": [tag], "license": "MIT"}) for i, text, tag in posts]
    data.write_text("\n".join([*lines, json.dumps({"id": "3", "text": "x", "hashtags": []})]), encoding="utf-8")
    index = str(tmp_path / "index")
    [made] = run(capsys, "index", str(data), "--output", index, "--licenses", "MIT", "--k1", "1.2")
    assert made == {"output": index, "posts": 2, "hashtags": 2, "variants": 0}
    opened = BM25Retriever.from_pretrained(index)
    assert (opened.k1, opened.analyser) == (1.2, "unicode")
    [row] = run(capsys, "recommend", "--model", checkpoint, "--retriever", index, TEXT)
    retrieved = {e["hashtag"] for e in row["recommendations"] if e["source"] != "generated"}
    assert retrieved == {"ReefFish", "Salt"} & retrieved != set()


@pytest.mark.parametrize(("options", "posts"), [([], 4), (["--split", "test"], 3)])
def test_of_a_folder_the_training_posts_are_indexed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], posts: int
) -> None:
    data = write_splits(tmp_path / "data", {"train": 4, "test": 3})
    [made] = run(capsys, "index", str(data), "--output", str(tmp_path / "index"), *options)
    assert made["posts"] == posts


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "src"])
def test_all_formats_can_be_indexed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    rows = datasets.Dataset.from_list([{"body": "warm seas", "tags": "reef|fish"}, {"body": "bread", "tags": "salt"}])
    file, columns = tmp_path / f"posts.{ending}", ["--text-column", "body", "--hashtags-column", "tags"]
    if ending == "src":
        write_lines(tmp_path, posts=[("warm seas", "reef [SEP] fish"), ("bread", "salt")])
        columns = []
    else:
        getattr(rows, {"jsonl": "to_json"}.get(ending, f"to_{ending}"))(file)
        columns += ["--separator", "|"]
    run(capsys, "index", str(file), "--output", str(tmp_path / "index"), *columns)
    posts = BM25Retriever.from_pretrained(str(tmp_path / "index")).corpus
    assert sorted((post.text, post.hashtags) for post in posts) == [
        ("bread", ("salt",)),
        ("warm seas", ("reef", "fish")),
    ]


def test_an_index_replaces_no_folder_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data", {"train": 4})
    assert "holds files but no checkpoint" in fail(
        capsys, "index", str(data / "train.jsonl"), "--output", str(tmp_path / "data")
    )
    assert (data / "train.jsonl").is_file()


def test_evaluate_then_card(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data", {"test": 6}) / "test.jsonl"
    results = tmp_path / "out" / "results.json"
    [row] = run(capsys, "evaluate", "--model", checkpoint, "--data", str(data), "--output", str(results))
    assert row["posts"] == 6
    assert {"BM25", "RIGHT, fused"} <= set(row["results"])
    assert json.loads(results.read_text(encoding="utf-8")) == row
    [written] = run(capsys, "card", checkpoint, "--results", str(results), "--name", "tiny", "--write")
    card = (Path(checkpoint) / "README.md").read_text(encoding="utf-8")
    assert f"F1@1 {row['results']['RIGHT, fused']['f1@1']:.2f}" in card
    assert [Path(file).name for file in written["written"]] == ["README.md", "reliability.svg", "right_hf.yaml"]
    assert "Expected calibration error" in card
    assert main(["card", checkpoint, "--results", str(results), "--name", "tiny"]) == 0
    assert capsys.readouterr().out == card


def test_evaluate_prints_a_table(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data", {"test": 3}) / "test.jsonl"
    assert main(["evaluate", "--model", checkpoint, "--data", str(data), "--table"]) == 0
    assert capsys.readouterr().out.startswith("3 posts, scores in percent\n\n| system")


@pytest.mark.parametrize(
    ("options", "shown", "posted"),
    [
        ([], "ClimateChange", "#ClimateChange"),
        (["--style", "lower"], "climatechange", "#climatechange"),
        (["--style", "words"], "climate change", "#ClimateChange"),
        (["--platform", "weibo"], "ClimateChange", "#ClimateChange#"),
    ],
)
def test_how_hashtags_are_shown(
    capsys: pytest.CaptureFixture[str], checkpoint: str, options: list[str], shown: str, posted: str
) -> None:
    [row] = run(capsys, "recommend", "--model", checkpoint, *options, "--top-k", "1", "--", TEXT)
    assert [(entry["hashtag"], entry["posted"]) for entry in row["recommendations"]] == [(shown, posted)]


def test_which_hashtags_are_shown(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("#Coral\nCloud\n", encoding="utf-8")
    # Without the generator, which writes otherwise as what it reads is blocked.
    ask = ["recommend", "--model", checkpoint, "--no-generator", "--top-k", "50", "--style", "words"]

    def shown(*options: str) -> set[str]:
        [row] = run(capsys, *ask, *options, "--", TEXT)
        return {entry["hashtag"] for entry in row["recommendations"]}

    everything = shown()
    assert {"climate change", "coral"} <= everything
    assert "coral" in shown("--allowed", str(tmp_path / "list.txt")) <= {"coral", "cloud"}
    assert shown("--blocked", "CORAL", "climate change") == everything - {"coral", "climate change"}
    assert shown("--blocked-file", str(tmp_path / "list.txt")) == everything - {"coral", "cloud"}
    assert shown("--safety", str(tmp_path / "list.txt")) == everything - {"coral", "cloud"}
    assert shown("--no-safety") >= everything
    assert shown("--min-count", "2") < everything
    assert shown("--diversity", "0.3", "--preferred", "coral") == everything
    assert "there is no file" in fail(capsys, *ask, "--allowed", "/no/such/file", TEXT).lower()
