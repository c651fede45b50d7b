"""Files as a crash, a full disk or another program leaves them."""

from __future__ import annotations

from pathlib import Path

#: What may have happened to a file.
DAMAGES = ["missing", "empty", "truncated", "garbage"]


def damage(path: Path, how: str) -> None:
    """Spoils a file in one of these ways."""
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2]}.get(how, b"\xff\x00 garbage" * 99))
    if how == "missing":
        path.unlink()
