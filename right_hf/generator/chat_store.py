"""Answers that are kept: a run that was stopped asks only what has not been answered yet."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from right_hf.forks import leave_to_parents, renewed_in_children

Message = Mapping[str, str]

#: Seconds that a write waits for those of other processes.
_PATIENCE = 60.0


def _is_locked(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


#: SQLite itself does not wait where several open a new file at once.
_WAITING: dict[str, Any] = {
    "retry": retry_if_exception(_is_locked),
    "wait": wait_random(0.01, 0.1),
    "stop": stop_after_delay(_PATIENCE),
    "reraise": True,
}


def question_key(settings: Mapping[str, Any], messages: Sequence[Message]) -> str:
    """SHA-256 of whatever decides an answer: the model with its settings, and what it is asked."""
    question = json.dumps([settings, [dict(message) for message in messages]], sort_keys=True)
    return hashlib.sha256(question.encode()).hexdigest()


class AnswerStore(AbstractContextManager["AnswerStore"]):
    """An SQLite file of answers: one table, `answers`, of keys and answers.

    An answer outlives the process that added it, however it ends; a power cut may take the last ones and damages none.
    Posts are not stored, only hashes of the questions. An answer takes some 200 bytes, and none is ever removed: delete
    the file when a run is done.

    Threads and processes of one machine may share a file, forked or spawned: a copy (`copy`, `pickle`) opens it again.
    Several machines may not, since SQLite cannot lock a file system of a network as this needs: give each its own.

    Args:
        path: The file; it is made if there is none.

    Raises:
        ValueError: It is another file, which is left as it is.
        BlockingIOError: Another program holds it for long.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        _STORES.add(self)

    def __reduce__(self) -> tuple[type[AnswerStore], tuple[Path]]:
        return AnswerStore, (self.path,)

    def _renew(self) -> None:
        """Opens the file anew: no connection of a parent may be used, nor closed, by a forked child."""
        leave_to_parents(self._file)
        if not self._is_closed:
            self._open()

    def _open(self) -> None:
        self._is_closed = False
        # A client answers from a thread of its own; every call is one statement, and SQLite takes one after the other.
        self._file = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            Retrying(**_WAITING)(self._prepare)
        except BaseException as error:
            self.close()
            if _is_locked(error):
                raise BlockingIOError(
                    f"{self.path} is locked by another program. End it, or choose another file."
                ) from None
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise ValueError(
                f"{self.path} holds no answers of a chat model ({error}). Choose another file. Answers that an earlier "
                "version kept as lines of JSON go into a new store with store.add(**json.loads(line)) for each line."
            ) from error

    def _prepare(self) -> None:
        tables = [name for (name,) in self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if tables not in ([], ["answers"]):
            raise sqlite3.DatabaseError(f"its tables are {', '.join(tables)}")
        if self._file.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        # As bytes, so that lone surrogates in an answer can be written too.
        self._file.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer BLOB NOT NULL)")

    def __len__(self) -> int:
        return int(self._file.execute("SELECT count(*) FROM answers").fetchone()[0])

    def get(self, key: str) -> str | None:
        """The answer to a question, or None."""
        found = self._file.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0], "utf-8", "surrogatepass")

    def add(self, key: str, answer: str) -> None:
        """Keeps an answer; when this returns, it is there for all who have the file open."""
        row = (key, answer.encode("utf-8", "surrogatepass"))
        self._file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", row)

    def close(self) -> None:
        """Closes the file."""
        self._is_closed = True
        self._file.close()

    def __exit__(self, *_: object) -> None:
        self.close()


_STORES = renewed_in_children(AnswerStore._renew)
