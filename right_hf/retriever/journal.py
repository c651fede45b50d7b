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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from right_hf.holding import FolderLock, Occupant
from right_hf.layout import JOURNAL_FILE
from right_hf.persistence import flush_entries
from right_hf.posts import Post

logger = logging.getLogger(__name__)

_HEAD, _MIDDLE, _TAIL = b'{"crc32":"', b'","change":', b"}"


def encode_change(added: Sequence[Post], removed: Iterable[str]) -> bytes:
    """The line of a change, with its end."""
    posts = [{name: value for name, value in asdict(post).items() if value not in (None, ())} for post in added]
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
        posts = [
            Post(**{**post, **{name: tuple(post.get(name, ())) for name in ("hashtags", "spellings")}})
            for post in record["add"]
        ]
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

    Attributes:
        path: The file.
        size: Bytes of acknowledged changes.

    Raises:
        RuntimeError: Another process (or another retriever of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._failed = False
        self._process = os.getpid()
        self._file: BinaryIO = path.open("a+b", buffering=0)
        try:
            self._lock = FolderLock(path.parent)
        except BaseException:
            self._file.close()
            raise
        if not self._is(path):  # the folder was replaced by whoever held it
            self.close()
            raise RuntimeError(f"{path.parent} is open for changes elsewhere. Close that retriever first.")
        self.size = os.fstat(self._file.fileno()).st_size
        flush_entries(path.parent)

    def _is(self, path: Path) -> bool:
        """Whether the open file is the one of this name."""
        try:
            return os.path.samestat(os.stat(path), os.fstat(self._file.fileno()))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def check_process(self) -> None:
        """Makes sure that it was not opened before this process was forked off.

        Raises:
            RuntimeError: It was.
        """
        if os.getpid() != self._process:
            raise RuntimeError(
                f"{self.path.parent} was opened by the process {self._process}, of which this one was forked off. Here "
                "it can be searched but not changed: change it there, or let it be closed there and open it here again."
            )

    def check(self) -> None:
        """Makes sure that this process holds the file, and that it still lies in its folder.

        Raises:
            RuntimeError: See [`check_process`], or its folder was replaced or moved.
        """
        self.check_process()
        if not self._is(self.path):
            raise RuntimeError(
                f"{self.path} takes no more changes: its folder was replaced or moved. Open the retriever again; what "
                "this one holds can be kept with save_pretrained(another folder)."
            )

    def truncate(self, size: int) -> None:
        """Drops what lies behind the first `size` bytes."""
        if os.fstat(self._file.fileno()).st_size > size:
            os.ftruncate(self._file.fileno(), size)
            os.fsync(self._file.fileno())
        self.size = size

    def append(self, line: bytes) -> None:
        """Writes a line and waits until it is on the disk.

        Raises:
            OSError: It could not be written; nothing of it is kept.
            RuntimeError: An earlier write failed, or see [`check`].
        """
        self.check()
        if self._failed:
            raise RuntimeError(
                f"{self.path} takes no more changes: an earlier write to it failed. Open the retriever again."
            )
        try:
            if self._file.write(line) != len(line):
                raise OSError(f"{self.path} could not be written in full. Is the disk full?")
            os.fsync(self._file.fileno())
        except OSError:
            # What a failed flush leaves on the disk is unknown, so this handle writes no more.
            self._failed = True
            self.truncate(self.size)
            raise
        self.size += len(line)

    def _read(self, start: int) -> bytes:
        """The acknowledged changes behind the first `start` bytes."""
        self._file.seek(start)
        return self._file.read()[: self.size - start]

    def occupant(self, changing: AbstractContextManager[object]) -> Occupant:
        """What has to move when the folder is saved anew, with the changes from now on.

        Args:
            changing: Entered while nobody may change the index.
        """
        with changing:
            return _Resident(self, changing, self._file, self.size)

    def lies_in(self, folder: Path) -> bool:
        """Whether this is the journal of a folder, also after that was renamed.

        Raises:
            RuntimeError: See [`check`].
        """
        if found := self._is(folder / JOURNAL_FILE):
            self.path = folder / JOURNAL_FILE
        if found or folder == self.path.parent:
            self.check()
        return found

    @contextmanager
    def moving(self, new: Path, final: Path, start: int) -> Iterator[None]:
        """Goes on in a new file, with the changes behind the first `start` bytes, if it ends up at `final`."""
        self.check()
        fresh = Journal(new)
        try:
            if tail := self._read(start):
                fresh.append(tail)
            yield
        finally:
            fresh.path = final
            if fresh._is(final):
                self.__dict__, fresh.__dict__ = fresh.__dict__, self.__dict__
            fresh.close()

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()
        if os.getpid() == self._process:
            self._lock.release()


@dataclass(frozen=True, eq=False)
class _Resident:
    """See [`Journal.occupant`]."""

    journal: Journal
    changing: AbstractContextManager[object]
    file: BinaryIO
    start: int

    def lives_in(self, folder: Path) -> bool:
        return not self.file.closed and self.journal.lies_in(folder)

    @contextmanager
    def moving(self, new: Path, final: Path) -> Iterator[None]:
        with self.changing:
            if self.journal._file is not self.file or self.file.closed:
                raise RuntimeError(f"{final} was saved or closed by another thread meanwhile. Save again.")
            with self.journal.moving(new / JOURNAL_FILE, final / JOURNAL_FILE, self.start):
                yield
