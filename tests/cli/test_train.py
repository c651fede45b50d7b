"""`right-hf train` hands recipe, posts and folders to the training of the part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from right_hf import BiEncoderSelector, BM25Retriever, RightModel
from right_hf.layout import ROLES, TRAINING_FILE
from right_hf.trainers.job import Job
from tests.support.command_line import fail, run
from tests.support.smoke_data import write_splits

Arguments = tuple[str, ...]


@pytest.fixture
def arguments(tmp_path: Path) -> Arguments:
    (tmp_path / "recipe.yaml").write_text("language: en\ngenerator: null\n", encoding="utf-8")
    data = write_splits(tmp_path / "data", {"train": 24, "validation": 8})
    return ("--recipe", str(tmp_path / "recipe.yaml"), "--data", str(data), "--output", str(tmp_path / "made"))


@pytest.mark.parametrize("part", [*ROLES, "checkpoint"])
def test_the_job_is_what_the_options_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: Arguments, part: str
) -> None:
    jobs: dict[str, Job] = {}
    monkeypatch.setattr("right_hf.trainers.build.build_component", jobs.__setitem__)
    monkeypatch.setattr("right_hf.trainers.build.build_checkpoint", lambda job: jobs.update(checkpoint=job))
    before = [*ROLES, "checkpoint"][: [*ROLES, "checkpoint"].index(part)]
    given = [*before[1:], *(["start"] if part == "generator" else [])]
    folders = [word for name in given for word in (f"--{name}", f"of/{name}")]
    [row] = run(capsys, "train", part, *arguments, "--seed", "3", *folders)
    assert row == {"output": arguments[-1], "part": part, "seed": 3}
    [(made, job)] = jobs.items()
    assert (made, job.output, job.recipe.seed) == (part, Path(arguments[-1]), 3)
    assert job.folders == {name: Path("of", name) for name in given}
    assert len(job.posts) == 24
    assert len(job.validation) == (0 if part in ("retriever", "selector") else 8)


def test_posts_come_from_any_format(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: Arguments, tmp_path: Path
) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "train.csv").write_text('body,tags\n"warm seas","reef|fish"\n', encoding="utf-8")
    jobs: dict[str, Job] = {}
    monkeypatch.setattr("right_hf.trainers.build.build_component", jobs.__setitem__)
    columns = ["--text-column", "body", "--hashtags-column", "tags", "--separator", "|"]
    run(capsys, "train", "selector", *arguments, "--data", str(tmp_path / "train.csv"), *columns)
    assert [post.hashtags for post in jobs["selector"].posts] == [("reef", "fish")]


def test_a_checkpoint_without_generator(
    capsys: pytest.CaptureFixture[str], arguments: Arguments, tmp_path: Path, tiny_selector: BiEncoderSelector
) -> None:
    run(capsys, "train", "retriever", *arguments[:-1], str(tmp_path / "retriever"))
    assert isinstance(BM25Retriever.from_pretrained(str(tmp_path / "retriever")), BM25Retriever)
    assert json.loads((tmp_path / "retriever" / TRAINING_FILE).read_text(encoding="utf-8"))["posts"] == 24
    assert "needs a trained selector" in fail(capsys, "train", "checkpoint", *arguments)
    tiny_selector.save_pretrained(tmp_path / "selector")
    (tmp_path / "selector" / TRAINING_FILE).write_text("{}", encoding="utf-8")
    folders = [word for role in ("retriever", "selector") for word in (f"--{role}", str(tmp_path / role))]
    run(capsys, "train", "checkpoint", *arguments, *folders)
    made: Any = RightModel.from_pretrained(arguments[-1])
    assert made.generator is None
    [row] = run(capsys, "recommend", "--model", arguments[-1], "cloud storage and a container")
    assert row["recommendations"]
