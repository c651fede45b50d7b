"""What benchmarks print, kept so that it can be written beside where it comes from."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from right_hf.persistence import write_json
from right_hf.provenance import provenance

#: What the running benchmark has printed so far.
told: list[str] = []


def tell(text: str) -> None:
    """Prints a piece of text, and keeps it."""
    told.append(text)
    sys.stdout.write(text)


def write(folder: Path, benchmark: str) -> None:
    """Writes what was printed into `BENCHMARK.json`; with a size that is not the usual one, `BENCHMARK-SIZE.json`."""
    size = os.environ.get("RIGHT_HF_BENCHMARK_POSTS")
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(told).strip().splitlines()
    result = {**provenance({"posts": size} if size else {}), "processor": processor(), "lines": lines}
    write_json(folder / f"{benchmark}{f'-{size}' if size else ''}.json", result)


def processor() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
