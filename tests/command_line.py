"""The command line as tests call it, in their own process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from right_hf.cli import main

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
