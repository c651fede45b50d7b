from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import right_hf.provenance
from right_hf.provenance import provenance


def test_provenance_names_what_to_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["training/x.py", "--data", "/home/someone/data/tweets", "--output", "runs/a"])
    config = {"hits": 10, "generator": {"base": "/home/someone/base", "arguments": {"report_to": ["none"]}}}
    origin = provenance(config, seed=3)
    assert origin["command"] == "training/x.py --data tweets --output runs/a"
    assert origin["config"] == {"hits": 10, "generator": {"base": "base", "arguments": {"report_to": ["none"]}}}
    assert origin["seed"] == 3
    assert {"torch", "transformers", "bm25s"} <= set(origin["versions"])
    assert "/home" not in str(origin)
    monkeypatch.setattr(sys, "argv", ["/home/someone/site-packages/pytest/__main__.py", "-m", "benchmark"])
    assert provenance({})["command"] == "python -m pytest -m benchmark"


def test_changes_that_are_not_committed_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for folder in ("right_hf", "training/results", "training", "tests"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "a.py").write_text("1")
    git("init")
    git("add", ".")
    git("commit", "-m", "one")
    monkeypatch.setattr(right_hf.provenance, "__file__", str(tmp_path / "right_hf" / "provenance.py"))
    assert provenance({})["uncommitted_changes"] is False
    for folder in ("tests", "training/results"):  # these decide no result
        (tmp_path / folder / "a.py").write_text("2")
        assert provenance({})["uncommitted_changes"] is False
    for folder in ("right_hf", "training"):
        (tmp_path / folder / "a.py").write_text("2")
        assert provenance({})["uncommitted_changes"] is True
        git("checkout", "--", folder)


def test_a_copy_without_git_is_told_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_hf.provenance, "__file__", str(tmp_path / "provenance.py"))
    assert provenance({})["commit"] is None
    monkeypatch.setenv(right_hf.provenance.COMMIT_VARIABLE, "abc")
    origin = provenance({})
    assert (origin["commit"], origin["uncommitted_changes"]) == ("abc", None)
