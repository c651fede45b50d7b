"""Converted models in a folder beside the Hub's cache, where they can be removed at any time."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import constants

from right_hf.persistence import atomic_folder, read_object, write_json

logger = logging.getLogger(__name__)

#: SHA-256 of the other files of a converted model, by name.
_DIGESTS = "digests.json"


def store_folder() -> Path:
    """Where converted models are kept, each in a folder named by what it was made of."""
    return Path(constants.HF_HOME) / "right_hf" / "ctranslate2"


def converted_files(key: str, make: Callable[[Path], None]) -> dict[str, bytes]:
    """The files of a converted model by name: those that are kept, or where these are missing or damaged new ones.

    Several processes may make the same at once; the last one's stay. Where nothing can be kept, a warning says so once
    in this process, and they are made in a temporary folder.

    Args:
        key: Names it: a hash of all that it is made of.
        make: Makes it, in an existing folder.

    Raises:
        OSError: There is no room in the temporary folder either.
        Exception: What `make` raises; nothing is kept then.
    """
    folder = store_folder() / key
    if (found := _whole(folder)) is not None:
        return found
    try:
        shutil.rmtree(folder, ignore_errors=True)
        with atomic_folder(folder) as scratch:
            return _made(scratch, make)
    except OSError as error:
        if (found := _whole(folder)) is not None:  # another process was quicker by a moment
            return found
        _warn(folder.parent, error)
    with tempfile.TemporaryDirectory() as scratch_name:
        return _made(Path(scratch_name), make)


def _made(folder: Path, make: Callable[[Path], None]) -> dict[str, bytes]:
    make(folder)
    files = _read(folder)
    write_json(folder / _DIGESTS, {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    return files


def _read(folder: Path) -> dict[str, bytes]:
    names = (path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and path.name != _DIGESTS)
    return {path.name: path.read_bytes() for path in names}


def _whole(folder: Path) -> dict[str, bytes] | None:
    """The files in a folder; None where there are none, or others than were written there."""
    try:
        digests, files = read_object(folder / _DIGESTS), _read(folder)
    except (OSError, ValueError):
        return None
    return files if digests == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} else None


_warned: set[Path] = set()


def _warn(store: Path, error: OSError) -> None:
    if store not in _warned:
        _warned.add(store)
        logger.warning(
            "Converted models cannot be kept in %s (%s), so that each process converts them anew. Make it writable, or "
            "set HF_HOME to a folder that is.",
            store,
            error,
        )
