"""Evaluation over an engine: the scores are those of one process."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.bulk import evaluating
from right_hf.bulk.checkpoints import NamedCheckpoint
from right_hf.bulk.engines import local_engine, ray_engine
from right_hf.bulk.evaluating import Evaluator, evaluate
from right_hf.evaluation import score_calibration, score_checkpoint
from tests.support.command_line import run
from tests.support.paths import ROOT

FILE = ROOT / "training" / "showcase" / "test.jsonl"


@pytest.mark.parametrize("workers", [1, 2])
def test_scores_are_those_of_one_process(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    posts = [post for post in read_posts(FILE) if post.text][:80]
    monkeypatch.setattr(evaluating, "_DEALT", 32)
    monkeypatch.setattr(time, "time", lambda: 1.6e9)
    evaluator = Evaluator(NamedCheckpoint.of(DEFAULT_CHECKPOINT))
    scores, calibration = evaluate(evaluator, posts, local_engine(workers))
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    assert scores == score_checkpoint(model, posts)
    assert calibration == {"calibration": score_calibration(model, posts)}


def test_the_command(checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--model", checkpoint, "--data", str(FILE)]
    [alone] = run(capsys, *command)
    [shared] = run(capsys, *command, "--workers", "2")
    assert {**shared, "command": ""} == {**alone, "command": ""} and alone["results"]


@pytest.mark.slow
def test_ray_scores_as_one_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    posts = [post for post in read_posts(FILE) if post.text][:80]
    monkeypatch.setattr(evaluating, "_DEALT", 32)
    evaluator = Evaluator(NamedCheckpoint.of(DEFAULT_CHECKPOINT), present=1.6e9)
    assert evaluate(evaluator, posts, ray_engine("local", 2)) == evaluate(evaluator, posts, local_engine())
