"""What goes wrong, counted, with a few posts that show it."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

_SHOWN = 3
_LONGEST = 300
_PAGES = Path("/proc/self/statm")


class Faults:
    """Faults by kind, each with the first posts that have it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def note(self, kind: str, post: object) -> None:
        """Counts a fault."""
        self.counts[kind] += 1
        if len(shown := self.examples.setdefault(kind, [])) < _SHOWN:
            shown.append(f"{post!a:.{_LONGEST}}")

    def error(self, where: str, error: Exception, post: object) -> None:
        """Counts an exception that should not have come."""
        self.note(f"{where}: {type(error).__name__}: {error!s:.60}", post)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"counts": dict(self.counts), "examples": self.examples}


def resident_megabytes() -> float:
    """Memory that this process holds; where the system does not say, the most that it ever held."""
    if _PAGES.is_file():
        return round(int(_PAGES.read_text().split()[1]) * resource.getpagesize() / 2**20, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)
