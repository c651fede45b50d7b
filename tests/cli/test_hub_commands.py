"""The command line pushes to the Hub and pulls from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from right_hf.data import load_splits
from right_hf.hub.pull import EVAL_RESULTS
from tests.support.command_line import TEXT, fail, run
from tests.support.line_files import write_lines
from tests.support.loopback_hub import LoopbackHub
from tests.support.smoke_data import write_splits


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
def test_push_dataset_of_any_format(capsys: pytest.CaptureFixture[str], hub: LoopbackHub, tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "thg", **{"twitter.2021.valid": [("a post", "x [SEP] y")]})
    run(capsys, "push", "dataset", str(lines), "user/thg", "--allow-unlicensed")
    assert hub.repo("user/thg", "dataset").paths() == {"README.md", "data/validation.parquet"}
    file = tmp_path / "posts.jsonl"
    file.write_text('{"body": "a post", "tags": "x,y", "license": "MIT"}', encoding="utf-8")
    columns = ["--text-column", "body", "--hashtags-column", "tags", "--separator", ","]
    run(capsys, "push", "dataset", str(file), "user/mine", *columns)
    pushed = hub.repo("user/mine", "dataset").at().files["data/train.parquet"].content
    (tmp_path / "train.parquet").write_bytes(pushed)
    assert [post.hashtags for post in load_splits(tmp_path / "train.parquet")["train"]] == [("x", "y")]


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
