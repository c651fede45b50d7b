"""A write-ahead log of changes to a corpus: a change is acknowledged once its line is on the disk.

One JSON object a line, `{"crc32":"0a1b2c3d","change":{"remove":[ids],"add":[posts]}}`; the checksum is that of the
bytes of the change. A line that a crash cut off is the last one and was never acknowledged: it is dropped with a
warning. Any other damage is an error, for acknowledged changes would be lost.

SQLite would not do here: saving puts a whole new folder in the place of the old one while the journal stays open, and
SQLite looks for the files beside its own by the path they once had.
"""

from __future__ import annotations

import json
import logging
import os
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from right_hf.persistence import flush_entries
from right_hf.posts import Post

logger = logging.getLogger(__name__)

JOURNAL_FILE = "journal.jsonl"
#: Locked by whoever holds the journal.
LOCK_FILE = "journal.lock"
_HEAD, _MIDDLE, _TAIL = b'{"crc32":"', b'","change":', b"}"


def encode_change(added: Sequence[Post], removed: Iterable[str]) -> bytes:
    """The line of a change, with its end."""
    posts = [{name: value for name, value in asdict(post).items() if value is not None} for post in added]
    change = json.dumps({"remove": list(removed), "add": posts}, ensure_ascii=False, separators=(",", ":")).encode()
    return _HEAD + f"{zlib.crc32(change):08x}".encode() + _MIDDLE + change + _TAIL + b"\n"


def decode_change(line: bytes) -> tuple[list[Post], list[str]] | None:
    """The added posts and removed ids of a line, or None where it is cut off or damaged.

    Raises:
        ValueError: The line is whole, but not as this version writes it.
    """
    start = len(_HEAD) + 8 + len(_MIDDLE)
    change = line[start : -len(_TAIL) - 1]
    head = _HEAD + f"{zlib.crc32(change):08x}".encode() + _MIDDLE
    if line[:start] != head or line[start + len(change) :] != _TAIL + b"\n":
        return None
    try:
        record = json.loads(change)
        posts = [Post(**{**post, "hashtags": tuple(post["hashtags"])}) for post in record["add"]]
        return posts, record["remove"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{change!r:.80} is no change that this version of right_hf knows. Update it.") from error


def replay(path: Path) -> tuple[dict[str, Post | None], int]:
    """Reads a journal.

    Returns:
        What became of each post it speaks of (None: it was removed), and the number of bytes that are whole.

    Raises:
        ValueError: A line before the last one is damaged; the message names it.
    """
    outcome: dict[str, Post | None] = {}
    whole = 0
    if not path.is_file():
        return outcome, whole
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            change = decode_change(line)
            if change is None:
                if lines.read(1):
                    raise ValueError(
                        f"{path}, line {number} is damaged (its checksum does not fit), and changes follow it. Restore "
                        "the file from a backup, or remove the line to go on without that change."
                    )
                logger.warning("%s: dropped its last line, which a crash cut off before it was acknowledged.", path)
                break
            posts, removed = change
            outcome.update(dict.fromkeys(removed))
            outcome.update((post.id, post) for post in posts)
            whole += len(line)
    return outcome, whole


class Journal:
    """An open journal, held by one process.

    Args:
        path: The file; made where there is none.

    Raises:
        RuntimeError: Another process (or another retriever of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._lock = FileLock(path.with_name(LOCK_FILE), timeout=0, thread_local=False)
        try:
            self._lock.acquire()
            if not self._in_place():  # the folder was replaced by whoever held it
                self._lock.release()
                raise Timeout(self._lock.lock_file)
        except Timeout:
            self._file.close()
            raise RuntimeError(f"{path.parent} is open for changes elsewhere. Close that retriever first.") from None
        flush_entries(path.parent)

    def _in_place(self) -> bool:
        """Whether the file still is the one of its name: its folder may have been replaced."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._file.fileno()).st_size

    def truncate(self, size: int) -> None:
        """Drops what lies behind the first `size` bytes."""
        if self.size > size:
            os.ftruncate(self._file.fileno(), size)
            os.fsync(self._file.fileno())

    def append(self, line: bytes) -> None:
        """Writes a line and waits until it is on the disk.

        Raises:
            OSError: It could not be written; nothing of it is kept.
            RuntimeError: An earlier write failed, or the folder was replaced.
        """
        if self._failed or not self._in_place():
            reason = "an earlier write to it failed" if self._failed else "its folder was replaced"
            raise RuntimeError(f"{self.path} takes no more changes: {reason}. Open the retriever again.")
        before = self.size
        try:
            if self._file.write(line) != len(line):
                raise OSError(f"{self.path} could not be written in full. Is the disk full?")
            os.fsync(self._file.fileno())
        except OSError:
            # What a failed flush leaves on the disk is unknown, so this handle writes no more.
            self._failed = True
            self.truncate(before)
            raise

    def read(self, start: int) -> bytes:
        """What lies behind the first `start` bytes."""
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read()

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()
        self._lock.release()
