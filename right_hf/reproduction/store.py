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
            start = time.monotonic()
            make(path)
            record = {"made": name, "seconds": round(time.monotonic() - start, 1), "peak_mib": peak_memory()}
            with (self.folder / "made.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        return path

    def costs(self) -> list[dict[str, Any]]:
        """What making each took: `made`, `seconds`, and `peak_mib` of its process until then."""
        file = self.folder / "made.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def peak_memory() -> int:
    """The most memory this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))
