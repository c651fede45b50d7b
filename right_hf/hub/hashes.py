"""Hashes: of files, and those that name commits."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

#: The name of a commit, whole.
COMMIT = re.compile(r"[0-9a-f]{40}")


def digest(path: Path, algorithm: hashlib._Hash) -> str:
    """The hash of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            algorithm.update(chunk)
    return algorithm.hexdigest()
