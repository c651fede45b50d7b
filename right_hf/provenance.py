"""Where a result comes from: command, configuration, seed, commit and versions, kept beside it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

#: Names the commit of a copy of the source tree that is no git repository, as on a machine for training.
COMMIT_VARIABLE = "RIGHT_HF_COMMIT"
_PACKAGES = "right_hf torch transformers sentence-transformers accelerate peft trl datasets evaluate bm25s tokenizers"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """The versions of this package and of those that answers depend on, as far as they are installed."""
    return {name: version for name in _PACKAGES.split() if (version := _version(name)) is not None}


def _git(*arguments: str) -> str | None:
    """What a git command prints about this source tree, or None outside of one."""
    settings: dict[str, Any] = {"cwd": Path(__file__).parent, "capture_output": True, "text": True, "timeout": 10}
    try:
        return str(subprocess.run(["git", *arguments], check=True, **settings).stdout).strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _without_places(value: Any) -> Any:
    """Plain values in which only the last part of a path that leads out of the working folder is left."""
    if isinstance(value, dict):
        return {key: _without_places(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(entry) for entry in value]
    if not isinstance(value, str):
        return value
    option, equals, path = value.rpartition("=")  # as on a command line
    return f"{option}{equals}{Path(path).name}" if Path(path).is_absolute() or path.startswith("..") else value


def _program(path: str) -> str:
    """The program as one calls it: `python -m package` where that ran."""
    return f"python -m {Path(path).parent.name}" if Path(path).name == "__main__.py" else str(_without_places(path))


def device_name() -> str:
    """What the present run computes on: the name of the GPU, or "cpu"."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def provenance(config: dict[str, Any], seed: int | None = None) -> dict[str, Any]:
    """Describes the present run: what to run again, and on what, to get the same result.

    `commit` is None, or what `RIGHT_HF_COMMIT` says, where the source tree is no git repository; whether the code was
    changed since is not known there.
    """
    code = (":/right_hf", ":/training", ":(top,exclude)training/results")
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", *code)
    return {
        "command": " ".join([_program(sys.argv[0]), *_without_places(sys.argv[1:])]),
        "config": _without_places(config),
        "seed": seed,
        "commit": _git("rev-parse", "HEAD") or os.environ.get(COMMIT_VARIABLE),
        "uncommitted_changes": None if changes is None else bool(changes),
        "versions": versions(),
        "python": platform.python_version(),
        "device": device_name(),
    }
