"""The folder of an experiment: what has been made is found again; what is being made is waited for."""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock

from right_hf.provenance import device_name

logger = logging.getLogger(__name__)

_COSTS = "made.jsonl"


class Store:
    """Files and folders that are made once, by one process, and kept; several processes may share the folder.

    A store may lie in the folder of another; its costs are among that one's.

    Args:
        folder: Where all of them lie.
    """

    #: Of all stores, by level of what this process is making: core seconds of what it had made in turn.
    _inner: ClassVar[list[float]] = []

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
            start, spent = time.monotonic(), self._made(path, make)
            record = {
                "made": name,
                "seconds": round(time.monotonic() - start, 1),
                "core_seconds": round(spent, 1),
                "peak_mib": peak_memory(),
                "device": device_name(),
            }
            with (self.folder / _COSTS).open("a", encoding="utf-8") as file:
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
        """What making each took, in this store and in those that lie in it.

        `seconds` by the clock, other parts that it had made in turn included; `core_seconds` of computing, its own
        alone; `peak_mib`, the most memory of its process until then; and `device`, on which it computed.
        """
        return [cost for file in sorted(self.folder.rglob(_COSTS)) for cost in self._read(file)]

    def _read(self, file: Path) -> list[dict[str, Any]]:
        costs = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [{**cost, "made": (file.parent / cost["made"]).relative_to(self.folder).as_posix()} for cost in costs]


def peak_memory() -> int:
    """The most memory this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))
