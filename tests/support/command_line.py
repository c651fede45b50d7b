"""The command line and the training scripts as tests call them, in their own process."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from right_hf.cli import main

ROOT = Path(__file__).parents[2]
TEXT = "Warm seas and the coral reef"


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


def run_script(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a script of this repository, named by its path in it, with arguments."""
    script = ROOT / command[0]
    monkeypatch.setattr(sys, "argv", [str(script), *command[1:]])
    monkeypatch.syspath_prepend(str(script.parent))
    runpy.run_path(str(script), run_name="__main__")
