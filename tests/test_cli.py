"""The command line, called in this process; what a process of its own shows is in test_cli_process.py."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from right_hf import BM25Retriever, RightModel
from right_hf.cli import main
from right_hf.cli.main import build_parser
from right_hf.data import load_splits
from right_hf.hub.pull import EVAL_RESULTS
from tests.loopback_hub import LoopbackHub
from tests.smoke_data import write_splits

TEXT = "Warm seas and the coral reef"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, model: RightModel) -> str:
    folder = tmp_path_factory.mktemp("cli") / "tiny"
    model.save_pretrained(folder)
    return str(folder)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    code = main(arguments)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return [json.loads(line) for line in printed.out.splitlines()]


def fail(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    if code == 1:
        assert printed.err.count("\n") == 1, printed.err
    return printed.err


def feed(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode("utf-8", errors="surrogateescape"))))


def test_posts_as_arguments(capsys: pytest.CaptureFixture[str], checkpoint: str, model: RightModel) -> None:
    rows = run(capsys, "recommend", "--model", checkpoint, "--top-k", "2", TEXT, "Fresh bread")
    assert [row["text"] for row in rows] == [TEXT, "Fresh bread"]
    expected = [[entry.hashtag for entry in found] for found in model.recommend([TEXT, "Fresh bread"], top_k=2)]
    assert [[entry["hashtag"] for entry in row["recommendations"]] for row in rows] == expected
    assert set(rows[0]["recommendations"][0]) == {"hashtag", "score", "source", "evidence"}


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


@pytest.mark.parametrize("line", ['{"id": "1"}', "{", '["text"]', '{"text": 1}'])
def test_a_bad_line_is_named_and_loses_nothing_before_it(
    capsys: pytest.CaptureFixture[str], checkpoint: str, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    feed(monkeypatch, '{"text": "bread"}\n' + line + '\n{"text": "never"}\n')
    assert main(["recommend", "--model", checkpoint, "--jsonl"]) == 1
    printed = capsys.readouterr()
    assert [json.loads(row)["text"] for row in printed.out.splitlines()] == ["bread"]
    assert "Line 2 of the input" in printed.err
    assert printed.err.count("\n") == 1


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
        assert main(["recommend", "--model", checkpoint, TEXT]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "command",
    ["recommend", "index", "evaluate", "train", "train selector", "train generator", "train checkpoint", "push",
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
    assert made == {"output": index, "posts": 2, "hashtags": 2}
    assert BM25Retriever.from_pretrained(index).k1 == 1.2
    [row] = run(capsys, "recommend", "--model", checkpoint, "--retriever", index, TEXT)
    retrieved = {e["hashtag"] for e in row["recommendations"] if e["source"] != "generated"}
    assert retrieved == {"reef fish", "salt"} & retrieved != set()


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
    assert len(written["written"]) == 2
    assert main(["card", checkpoint, "--results", str(results), "--name", "tiny"]) == 0
    assert capsys.readouterr().out == card


def test_evaluate_prints_a_table(capsys: pytest.CaptureFixture[str], checkpoint: str, tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data", {"test": 3}) / "test.jsonl"
    assert main(["evaluate", "--model", checkpoint, "--data", str(data), "--table"]) == 0
    assert capsys.readouterr().out.startswith("3 posts, scores in percent\n\n| system")


@pytest.mark.loopback
def test_push_model_with_card_scores_and_handler(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, tmp_path / "tiny")
    (tmp_path / "tiny" / EVAL_RESULTS).parent.mkdir(exist_ok=True)
    for name in ("README.md", EVAL_RESULTS):
        (tmp_path / "tiny" / name).write_text("---\nlanguage: en\n---\n", encoding="utf-8")
    folder = str(tmp_path / "tiny")
    [row] = run(capsys, "push", "model", folder, "user/tiny", "--private", "--handler", "--message", "Hello")
    repo = hub.repo("user/tiny")
    assert row == {"repo": "user/tiny", "commit": f"{hub.endpoint}/user/tiny/commit/{repo.refs['main']}"}
    assert {"config.json", "handler.py", "requirements.txt", "README.md", EVAL_RESULTS} <= repo.paths()
    assert (repo.private, repo.history()) == (True, ["Hello"])
    # Scores of another model must not stay; a card is the user's to keep.
    run(capsys, "push", "model", folder, "user/tiny", "--component", "retriever")
    shutil.rmtree(tmp_path / "tiny" / ".eval_results")
    run(capsys, "push", "model", folder, "user/tiny")
    assert EVAL_RESULTS not in repo.paths()
    assert "README.md" in repo.paths()


@pytest.mark.loopback
def test_push_opens_a_pull_request(capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub) -> None:
    run(capsys, "push", "model", checkpoint, "user/tiny")
    [row] = run(capsys, "push", "model", checkpoint, "user/tiny", "--handler", "--create-pr")
    assert "handler.py" not in hub.repo("user/tiny").paths()
    assert row["repo"] == "user/tiny"


@pytest.mark.loopback
def test_push_one_component(capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub) -> None:
    run(capsys, "push", "model", checkpoint, "user/index", "--component", "retriever")
    assert {"retriever_config.json", "corpus.parquet"} <= hub.repo("user/index").paths()
    assert "config.json" not in hub.repo("user/index").paths()
    [row] = run(capsys, "recommend", "--model", checkpoint, "--retriever", "user/index", TEXT)
    assert row["recommendations"]
    assert fail(capsys, "push", "model", checkpoint, "user/x", "--component", "selector", "--handler", code=2)


@pytest.mark.loopback
def test_push_metric(capsys: pytest.CaptureFixture[str], hub: LoopbackHub) -> None:
    run(capsys, "push", "metric", "hashtag_f1", "user/hashtag_f1")
    assert hub.repo("user/hashtag_f1", "space").paths() == {"hashtag_f1.py", "README.md", "requirements.txt"}
    assert "push hashtag_f1 to user/hashtag_f1" in fail(capsys, "push", "metric", "hashtag_f1", "user/other")
    assert "Unknown metric" in fail(capsys, "push", "metric", "bleu", "user/bleu")
    assert len(hub.repos) == 1


@pytest.mark.loopback
def test_push_dataset(
    capsys: pytest.CaptureFixture[str], hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_splits(tmp_path / "data", {"test": 3, "train": 5})
    run(capsys, "push", "dataset", str(data), "user/posts", "--private")
    repo = hub.repo("user/posts", "dataset")
    assert repo.private
    assert repo.paths() == {"README.md", "data/test.parquet", "data/train.parquet"}
    assert "MIT (8 posts)" in repo.at().files["README.md"].content.decode()
    for path, file in repo.at().files.items():
        (tmp_path / "copy" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copy" / path).write_bytes(file.content)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    assert load_splits(tmp_path / "copy") == load_splits(data)


@pytest.mark.loopback
def test_posts_without_a_licence_are_not_pushed(
    capsys: pytest.CaptureFixture[str], hub: LoopbackHub, tmp_path: Path
) -> None:
    file = tmp_path / "posts.jsonl"
    rows = [("1", "MIT"), ("2", None)]
    lines = [json.dumps({"id": i, "text": "a", "hashtags": ["b"], "license": stated}) for i, stated in rows]
    file.write_text("\n".join(lines), encoding="utf-8")
    assert "1 of 2 posts state no licence (the first: '2')" in fail(capsys, "push", "dataset", str(file), "user/posts")
    assert not hub.repos
    for option in (["--licenses", "MIT"], ["--allow-unlicensed"]):
        run(capsys, "push", "dataset", str(file), f"user/posts{len(option)}", *option)
    cards = [hub.repo(f"user/posts{n}", "dataset").at().files["README.md"].content.decode() for n in (2, 1)]
    assert ["must not be passed on" in card for card in cards] == [False, True]


def files_in(folder: str | Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


@pytest.mark.loopback
def test_pull_copies_a_whole_checkpoint(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub, tmp_path: Path
) -> None:
    run(capsys, "push", "model", checkpoint, "user/tiny")
    commit = hub.repo("user/tiny").refs["main"]
    run(capsys, "push", "model", checkpoint, "user/tiny", "--handler")
    [row] = run(capsys, "pull", "user/tiny", str(tmp_path / "copy"), "--revision", commit)
    assert row == {"output": str(tmp_path / "copy"), "revision": commit, "from_elsewhere": {}}
    there = {name: file.content for name, file in hub.repo("user/tiny").at(commit).files.items()}
    copied = {path.as_posix(): content for path, content in files_in(row["output"]).items()}
    assert copied == {name: content for name, content in there.items() if not name.endswith((".py", ".gitattributes"))}
    hub.fail("", status=500)
    [offline] = run(capsys, "recommend", "--model", "user/tiny", "--revision", commit, "--offline", TEXT)
    assert [offline] == run(capsys, "recommend", "--model", row["output"], TEXT)


@pytest.mark.loopback
def test_a_pull_that_fails_leaves_nothing(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub, tmp_path: Path
) -> None:
    assert "user/none" in fail(capsys, "pull", "user/none", str(tmp_path / "copy"))
    run(capsys, "push", "model", checkpoint, "user/tiny")
    hub.repo("user/tiny").put("generator/model.safetensors", b"damaged")
    assert fail(capsys, "pull", "user/tiny", str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


@pytest.mark.loopback
def test_what_was_pulled_works_offline_by_its_name(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub
) -> None:
    run(capsys, "push", "model", checkpoint, "user/tiny")
    run(capsys, "pull", "user/tiny")
    hub.fail("", status=500, times=1000)
    assert run(capsys, "recommend", "--model", "user/tiny", "--offline", TEXT) == run(
        capsys, "recommend", "--model", checkpoint, TEXT
    )


@pytest.mark.loopback
def test_a_pull_to_a_bad_place_downloads_nothing(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub, tmp_path: Path
) -> None:
    run(capsys, "push", "model", checkpoint, "user/tiny")
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    hub.requests.clear()
    assert "is a file; a checkpoint is a folder" in fail(capsys, "pull", "user/tiny", str(tmp_path / "file"))
    assert "holds files but no checkpoint" in fail(capsys, "pull", "user/tiny", str(tmp_path / "full"))
    assert hub.requests == []
    assert {path.name for path in tmp_path.iterdir()} == {"file", "full"}


@pytest.mark.loopback
def test_parts_that_lie_elsewhere_are_copied_or_named(
    capsys: pytest.CaptureFixture[str], checkpoint: str, hub: LoopbackHub, tmp_path: Path
) -> None:
    run(capsys, "push", "model", checkpoint, "user/index", "--component", "retriever")
    commit = hub.repo("user/index").refs["main"]
    shutil.copytree(checkpoint, tmp_path / "mine")
    shutil.rmtree(tmp_path / "mine" / "retriever")
    config = json.loads((tmp_path / "mine" / "config.json").read_text(encoding="utf-8"))
    config["components"]["retriever"] = {"repo_id": "user/index", "revision": commit, "subfolder": ""}
    (tmp_path / "mine" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name, options in (("user/copied", []), ("user/named", ["--references"])):
        run(capsys, "push", "model", str(tmp_path / "mine"), name, *options)
        copied = "retriever/corpus.parquet" in hub.repo(name).paths()
        assert copied == (not options)
        run(capsys, "recommend", "--model", name, TEXT)
    assert fail(capsys, "push", "model", checkpoint, "user/x", "--component", "selector", "--references", code=2)
