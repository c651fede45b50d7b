"""Writes line files as THG and WHG have them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def write_lines(folder: Path, **splits: Iterable[tuple[str, str]]) -> Path:
    """Writes NAME.src and NAME.dst for each split of pairs of text and hashtag line."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in splits.items():
        lines = list(pairs)
        for side, ending in enumerate(("src", "dst")):
            content = "".join(pair[side] + "\n" for pair in lines)
            (folder / f"{name}.{ending}").write_bytes(content.encode())
    return folder
