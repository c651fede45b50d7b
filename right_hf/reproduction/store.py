"""The folder of an experiment: what has been made is found again; what is being made is waited for."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

logger = logging.getLogger(__name__)


class Store:
    """Files and folders that are made once, by one process, and kept; several processes may share the folder.

    Args:
        folder: Where all of them lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._inner: list[float] = []  # by level of what is being made: core seconds of what it had made in turn

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file or folder of this name, made by `make` if it is not there; `make` leaves it whole or not at all."""
        path = self.folder / name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if path.exists():
                return path
            logger.info("making %s", name)
            start, spent = time.monotonic(), self._made(path, make)
            record = {
                "made": name,
                "seconds": round(time.monotonic() - start, 1),
                "core_seconds": round(spent, 1),
                "peak_mib": peak_memory(),
            }
            with (self.folder / "made.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        return path

    def _made(self, path: Path, make: Callable[[Path], None]) -> float:
        """Makes it; returns the core seconds it took without those of what it had made in turn."""
        self._inner.append(0.0)
        start = time.process_time()
        try:
            make(path)
        finally:
            inner = self._inner.pop()
        spent = time.process_time() - start
        if self._inner:
            self._inner[-1] += spent
        return spent - inner

    def costs(self) -> list[dict[str, Any]]:
        """What making each took.

        `seconds` by the clock, other parts that it had made in turn included; `core_seconds` of computing, its own
        alone; and `peak_mib`, the most memory of its process until then.
        """
        file = self.folder / "made.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def peak_memory() -> int:
    """The most memory this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))
