"""Reading and writing checkpoints: JSON and safetensors only, and a folder appears whole or not at all."""

from __future__ import annotations

import ctypes
import glob
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from right_hf.holding import Occupant, at_home, nobody_inside
from right_hf.layout import JOURNAL_FILE, LOCK_FILE, ROLES, config_file

#: Endings of files that can run code when they are loaded. A checkpoint that holds one is refused.
PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5", ".msgpack"})


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 file, whole or not at all (see [`atomic_file`])."""
    with atomic_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any, compact: bool = False) -> None:
    """Writes `content` as UTF-8 JSON, indented unless `compact`; the file appears whole or not at all."""
    layout: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
    write_text(path, json.dumps(content, ensure_ascii=False, **layout) + "\n")


def read_json(path: Path) -> Any:
    """Reads a JSON file of a checkpoint.

    Raises:
        FileNotFoundError: It is missing.
        ValueError: It is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        what = f"{path} is missing. Is {path.parent} a complete checkpoint? Save or download it again."
        raise FileNotFoundError(what) from None
    except ValueError as error:
        raise ValueError(f"{path} is no valid JSON ({error}). Save or download the checkpoint again.") from error


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON file that must hold an object; else, and otherwise, raises what [`read_json`] does."""
    if not isinstance(content := read_json(path), dict):
        raise ValueError(f"{path} must hold a JSON object, got {content!r:.40}. Save or download the checkpoint again.")
    return content


def save_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], metadata: dict[str, str] | None = None) -> None:
    """Writes named arrays as safetensors."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path, metadata=metadata)


def load_arrays(path: Path, names: Sequence[str]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Reads the named arrays of a safetensors file, and its metadata.

    Raises:
        ValueError: The file is missing, damaged or lacks an array.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (SafetensorError, OSError, KeyError) as error:
        raise ValueError(
            f"{path} is missing, damaged or no safetensors file with {', '.join(names)} ({error}). "
            "Save or download the checkpoint again."
        ) from error


def refuse_pickle(folder: Path) -> None:
    """Refuses a checkpoint folder that holds a pickle file.

    Raises:
        ValueError: A file with an ending of pickle formats lies in it; the message names it and the fix.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in PICKLE_SUFFIXES)
    # What a Lance table marks as removed is a bitmap in a file of this ending, which no pickle reader is ever given.
    if found := sorted(path for path in files if not path.match("*.lance/_deletions/*.bin")):
        raise ValueError(
            f"{found[0]} may be a pickle file, which can run code when it is loaded; it was not read. "
            "Convert the weights to safetensors and remove the file."
        )


@contextmanager
def atomic_file(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a scratch file that takes the place of `target`, in one step, when the block ends without an error.

    Until then, and whenever the process dies, `target` stays as it was. The scratch file has the ending of `target`.

    Raises:
        IsADirectoryError: `target` is a folder.
    """
    final = Path(target).resolve()  # of a link the file it points to is replaced, not the link
    if final.is_dir():
        raise IsADirectoryError(f"{final} is a folder; expected the name of a file. Choose another place.")
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{final.name}.new-", suffix=final.suffix, dir=final.parent)
    os.close(handle)
    scratch = Path(name)
    scratch.chmod(0o644)
    try:
        yield scratch
        with scratch.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(scratch, final)
    finally:
        scratch.unlink(missing_ok=True)


#: A folder with one of these files at its top is a checkpoint, which saving may replace.
_MARKERS = ("config.json", "tokenizer.json", *map(config_file, ROLES))
#: In a scratch folder while somebody writes there.
_LOCK = ".lock"
#: Seconds; a younger scratch folder is let alone, for locks do not reach everywhere (some network drives).
_OLD = 24 * 3600


@contextmanager
def atomic_folder(target: str | os.PathLike[str], occupants: Mapping[Path, Occupant] | None = None) -> Iterator[Path]:
    """Gives a scratch folder that takes the place of `target` when the block ends without an error.

    Until then, and whenever the process dies, `target` stays as it was: the new folder is written beside it, flushed
    to disk, and exchanged with the old one in one step. Where the system cannot do that, the old folder is renamed away
    first, and [`recover_folder`] brings it back should the process die before the second rename.

    Args:
        target: The folder.
        occupants: What the caller has open on folders in it, by their places inside; they go on in the new folder.

    Raises:
        RuntimeError: Somebody else holds it or a folder in it for changes.
        NotADirectoryError: `target` is a file.
        FileExistsError: `target` holds files but no checkpoint.
    """
    final = Path(target).resolve()  # of a link the folder it points to is renamed, not the link
    if final.exists() and not final.is_dir():
        raise NotADirectoryError(f"{final} is a file; a checkpoint is a folder. Choose another place.")
    final.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(final)
    home = at_home(final, occupants or {})
    own = [final / inner for inner in home]
    with nobody_inside(final, own):
        _remove_remains(final)
    if final.is_dir() and any(final.iterdir()) and not any((final / name).is_file() for name in _MARKERS):
        raise FileExistsError(
            f"{final} holds files but no checkpoint, and would be replaced as a whole. Choose an empty or new folder."
        )
    from filelock import FileLock

    scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}.new-", dir=final.parent))
    scratch.chmod(0o755)
    lock = FileLock(scratch / _LOCK, thread_local=False)
    try:
        with suppress(OSError):  # some network drives know no locks
            lock.acquire()
        yield scratch
        lock.release()
        (scratch / _LOCK).unlink(missing_ok=True)  # which makes the folder young
        flush(scratch)  # most of the work, before changes have to wait
        with ExitStack() as stack:
            for inner, occupant in home.items():
                stack.enter_context(occupant.moving(scratch / inner, final / inner))
            stack.enter_context(nobody_inside(final, own, lasting=True))
            _swap(scratch, final)
            flush_entries(final.parent)
    finally:
        lock.release()
        _remove(scratch)


def _exchange(a: Path, b: Path) -> bool:
    """Exchanges two folders in one step, where the system can (Linux); says whether it did.

    Python has no call for it, and with two renames there is a moment at which a reader finds no folder at all.
    """
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    current_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(renameat2(current_folder, os.fsencode(a), current_folder, os.fsencode(b), exchange) == 0)


def _swap(scratch: Path, final: Path) -> None:
    """Puts `scratch` in the place of `final`; what was there is in `scratch` then, or beside it and removed."""
    _check_removable(final)
    if final.exists() and not _exchange(scratch, final):
        os.replace(final, _previous(final))
    try:
        if not final.exists():
            os.replace(scratch, final)
    finally:
        recover_folder(final)


def _check_removable(final: Path) -> None:
    """Refuses a folder in which somebody else's are read-only: exchanged, it would stay there under another name."""
    if os.name != "posix":
        return
    for path in (Path(root) for root, *inside in os.walk(final) if any(inside)):
        if os.geteuid() not in (0, path.stat().st_uid) and not os.access(path, os.W_OK | os.X_OK, effective_ids=True):
            raise PermissionError(
                f"{path} is read-only and belongs to another user, so that it cannot be replaced; nothing was changed. "
                "Save to another place."
            )


def _remove(folder: Path) -> None:
    """Removes a folder as far as that can be, what is read-only in it too."""
    with suppress(OSError):
        folder.chmod(0o755)
    for root, folders, _ in os.walk(folder):  # which looks into them afterwards
        for path in (Path(root, name) for name in folders):
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _previous(final: Path) -> Path:
    return final.with_name(f".{final.name}.previous")


def recover_folder(target: str | os.PathLike[str]) -> None:
    """Puts back the previous folder after a process died between two renames of [`atomic_folder`]."""
    final = Path(target).resolve()
    if (previous := _previous(final)).exists():
        if final.exists():
            _remove(previous)
        else:
            os.replace(previous, final)


def keep_foreign_files(old: Path, new: Path, leave_out: Collection[str] = ()) -> None:
    """Carries over what others put at the top of a folder that is to be replaced (a model card, .gitattributes …).

    Never a journal, which belongs to the index that was there.
    """
    if not old.is_dir():
        return
    for path in old.iterdir():
        if path.name not in {*leave_out, JOURNAL_FILE, LOCK_FILE} and not (new / path.name).exists():
            copy: Any = partial(shutil.copytree, symlinks=True) if path.is_dir() else shutil.copy2
            copy(path, new / path.name)


def flush(folder: Path) -> None:
    """Forces `folder` and all in it to disk, so that a renamed folder is never full of empty files after a crash."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            flush_entries(path)
        elif path.is_file():
            with path.open("rb" if os.name == "posix" else "r+b") as file:  # it may be read-only
                os.fsync(file.fileno())


def flush_entries(folder: Path) -> None:
    """Forces the names in `folder` to disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system can
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_remains(final: Path) -> None:
    """Removes scratch folders of saves to `final` that were killed: old ones that no living process holds."""
    from filelock import FileLock, Timeout

    for scratch in final.parent.glob(glob.escape(f".{final.name}.new-") + "*"):
        with suppress(OSError, Timeout):  # somebody else removes it, or holds it
            if time.time() - scratch.stat().st_mtime >= _OLD:
                FileLock(scratch / _LOCK, timeout=0).acquire().lock.release()
                _remove(scratch)
