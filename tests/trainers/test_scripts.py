"""The scripts in training/, one after the other, with the recipe that is to show that they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from right_hf import RightModel
from tests.support.command_line import run_script
from tests.support.paths import ROOT
from tests.support.smoke_data import write_splits

pytest.importorskip("lightgbm")


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_from_random_weights_to_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_splits(tmp_path / "data")

    def train(script: str, name: str, *parts: str) -> Path:
        options = ["--recipe", str(ROOT / "training" / "configs" / "smoke.yaml"), "--data", str(data)]
        folders = [option for role in parts for option in (f"--{role}", str(tmp_path / role))]
        bases = ["--bases", str(tmp_path / "bases")] if name in ("selector", "generator", "seq2seq") else []
        command = [f"training/{script}.py", *options, *folders, *bases, "--output", str(tmp_path / name)]
        run_script(command, monkeypatch)
        return tmp_path / name

    selector = train("train_selector", "selector")
    generator = train("train_generator", "generator", "selector")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "bases").rglob("*.safetensors")}
    train("train_generator", "seq2seq")
    assert made == {path: path.stat().st_mtime_ns for path in (tmp_path / "bases").rglob("*.safetensors")}  # shared
    records = [
        json.loads((folder / "training.json").read_text()) for folder in (selector, generator, tmp_path / "seq2seq")
    ]
    assert [record.get("retrieval") for record in records] == [None, True, False]
    assert all(record["base"]["config"] and str(tmp_path) not in json.dumps(record) for record in records)
    train("train_ranker", "ranker", "selector", "generator")
    train("build_checkpoint", "checkpoint", "selector", "generator", "ranker")
    model = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert model.recommend(["warm bread from the oven"])[0]
    assert set(json.loads(model.records["training.json"])) >= {"selector", "generator", "ranker"}


def test_something_must_be_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_script(["training/train_selector.py", "--recipe", "r.yaml", "--data", "d"], monkeypatch)
    assert "give --output, or --bases" in capsys.readouterr().err
