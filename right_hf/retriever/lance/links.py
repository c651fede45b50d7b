"""Tables whose files are links, as in the cache of the Hub: what reads tables does not see those."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

#: Keeps a folder as long as it is referred to.
Kept = tempfile.TemporaryDirectory[str]


def without_links(folder: Path) -> Kept | None:
    """A folder of the same tables as files, removed with the object that is given; None where no file is a link.

    The files take no room where the system knows hard links.
    """
    tables = [table for table in folder.glob("*.lance") if table.is_dir()]
    if not any(path.is_symlink() for table in tables for path in table.rglob("*")):
        return None
    # In the same place as what the links lead to, if that can be, for only there the files can be the same.
    kept = _beside(next(path for table in tables for path in table.rglob("*") if path.is_symlink()).resolve().parent)
    for table in tables:
        shutil.copytree(table, Path(kept.name) / table.name, copy_function=_link)
    return kept


def _beside(place: Path) -> Kept:
    try:
        return tempfile.TemporaryDirectory(prefix=".tables-", dir=place)
    except OSError:  # a cache that cannot be written
        return tempfile.TemporaryDirectory(prefix="right-hf-tables-")


def _link(source: str, target: str) -> None:
    real = os.path.realpath(source)
    try:
        os.link(real, target)
    except OSError:
        shutil.copy(real, target)
