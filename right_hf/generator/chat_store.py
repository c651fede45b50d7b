"""Answers that are kept: a run that was stopped asks only what has not been answered yet."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

Message = Mapping[str, str]


def question_key(settings: Mapping[str, Any], messages: Sequence[Message]) -> str:
    """SHA-256 of whatever decides an answer: the model with its settings, and what it is asked."""
    question = json.dumps([settings, [dict(message) for message in messages]], sort_keys=True)
    return hashlib.sha256(question.encode()).hexdigest()


class AnswerStore(AbstractContextManager["AnswerStore"]):
    """An SQLite file of answers: one table, `answers`, of keys and answers.

    An answer is on disk before the next one is added. Posts are not stored, only hashes of the questions.

    Args:
        path: The file; it is made if there is none.

    Raises:
        BlockingIOError: It is open elsewhere.
        ValueError: It is another file, which is left as it is.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A client may answer from a thread of its own; it never uses the store at the same time as another one.
        self._file = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except BaseException as error:
            self._file.close()
            if "locked" in str(error):
                raise BlockingIOError(
                    f"Another run uses {self.path}. Wait for its end, or choose another file."
                ) from None
            if type(error) is not sqlite3.DatabaseError:
                raise
            raise ValueError(
                f"{self.path} holds no answers of a chat model ({error}). Choose another file. Answers that an earlier "
                "version kept as lines of JSON go into a new store with store.add(**json.loads(line)) for each line."
            ) from error

    def _open(self) -> None:
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        tables = [name for (name,) in self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if tables not in ([], ["answers"]):
            raise sqlite3.DatabaseError(f"its tables are {', '.join(tables)}")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        # As bytes, so that lone surrogates in an answer can be written too.
        self._file.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer BLOB NOT NULL)")
        self._file.execute("BEGIN EXCLUSIVE")  # from here on the lock is held until the file is closed
        self._file.execute("COMMIT")

    def __len__(self) -> int:
        return int(self._file.execute("SELECT count(*) FROM answers").fetchone()[0])

    def get(self, key: str) -> str | None:
        """The answer to a question, or None."""
        found = self._file.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0], "utf-8", "surrogatepass")

    def add(self, key: str, answer: str) -> None:
        """Keeps an answer; it is on disk when this returns."""
        row = (key, answer.encode("utf-8", "surrogatepass"))
        self._file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", row)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __exit__(self, *_: object) -> None:
        self.close()
