"""Runs every snippet and command of the README: the training commands with a smoke-size recipe and data."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from right_hf.cli import main
from tests.support.command_line import ROOT, run_script
from tests.support.loopback_hub import LoopbackHub
from tests.support.readme_snippets import blocks, run_snippets
from tests.support.smoke_data import write_splits

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(ROOT / "README.md")


def test_readme_opens_with_the_two_commands() -> None:
    lines = [line.strip().split("#")[0].strip() for line in README.splitlines() if line.startswith("    ")]
    assert lines[:2] == ["make run", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^run:.*\n\t.*training/showcase.py", makefile, flags=re.M)
    assert re.search(r"^test:", makefile, flags=re.M)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {language for language, _ in BLOCKS} <= {"python", "sh", "text"}


@pytest.mark.loopback
def test_python_snippets_run(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_snippets(ROOT / "README.md")
    assert {name for _, name in hub.repos} == {"user/right-en", "user/index", "user/right-small"}
    assert {"config.json", "generator/model.safetensors"} <= hub.repo("user/right-en").paths()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_splits(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    commands = [line for language, block in BLOCKS if language == "sh" for line in block.strip().splitlines()]
    (tmp_path / "posts.txt").write_text("Warm seas\nFresh bread\n", encoding="utf-8")
    assert len(commands) >= 5
    for line in commands:
        line = re.sub(r"training/configs/llm-lora\.yaml", str(ROOT / "training/configs/smoke-llm.yaml"), line)
        line = re.sub(r"training/configs/(?!smoke)[\w-]+\.yaml", str(ROOT / "training/configs/smoke.yaml"), line)
        program, *command = shlex.split(re.sub(r"\bDATA\b", str(data), line))
        if program == "right-hf":
            assert main(command) == 0, line
            continue
        assert program == "python"
        if command[0].endswith("reproduce.py"):
            command += ["--smoke", "--output", str(tmp_path / "tables")]
        if command[0].endswith(("train_selector.py", "train_ranker.py", "reproduce.py")):
            command += ["--wordnet", str(ROOT / "tests/fixtures/wordnet")]
        run_script(command, monkeypatch)
    results = (tmp_path / "runs/en/results.json").read_text(encoding="utf-8")
    for system in ("BM25", "Seq2Seq", "RIGHT, generator's answer", "RIGHT, fused"):
        assert f'"{system}"' in results
    assert str(tmp_path) not in results
    assert not [path for path in (tmp_path / "runs/en/checkpoint").rglob("*") if path.suffix in {".bin", ".pt", ".pth"}]
    assert os.listdir(tmp_path / "runs/en/checkpoint")


def test_showcase_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_script(["training/showcase.py", "--posts", "12", "--output", str(tmp_path / "shown.txt")], monkeypatch)
    printed = capsys.readouterr().out
    assert printed.count("its author used:") >= 5
    assert "| Seq2Seq" in printed
    assert (tmp_path / "shown.txt").read_text(encoding="utf-8").strip() in printed


def test_reported_numbers_are_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    run_script(["training/report.py", "--check"], monkeypatch)
