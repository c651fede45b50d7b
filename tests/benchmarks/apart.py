"""Measuring in a process of its own, where nothing else has taken memory."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any


def apart(module: str, function: str, *arguments: object) -> Any:
    """What a function of a module returns in a process of its own; its arguments and its result go as JSON."""
    call = f"{function}(*json.loads({json.dumps(arguments)!r}))"
    code = f"import json; from {module} import {function}; print('\\nreturned', json.dumps({call}))"
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=paths)
    return json.loads(run.stdout.rpartition("\nreturned ")[2])


def resident() -> float:
    """Megabytes of this process that are in memory, on Linux."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def peak() -> float:
    """The same at their highest, since the process began or since [`forget_peak`]."""
    [highest] = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return 1024 * int(highest) / 1e6


def forget_peak() -> None:
    """Lets the highest begin with what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")
