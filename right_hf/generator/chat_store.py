"""Answers that are kept: a run that was stopped asks only what has not been answered yet."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

Message = Mapping[str, str]


def question_key(settings: Mapping[str, Any], messages: Sequence[Message]) -> str:
    """SHA-256 of whatever decides an answer: the model with its settings, and what it is asked."""
    question = json.dumps([settings, [dict(message) for message in messages]], sort_keys=True)
    return hashlib.sha256(question.encode()).hexdigest()


class AnswerStore:
    """A JSONL file of answers, one object with `key` and `answer` a line.

    An answer is on disk before the next one is added. A line that a killed process left half-written is dropped when
    the file is opened again; nothing else ever is. Posts are not stored, only hashes of the questions.

    Args:
        path: The file; it is made if there is none.

    Raises:
        BlockingIOError: Another process has it open.
        ValueError: A line is no such object; the message names it. The file is left as it is.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b", buffering=0)
        try:
            _lock(self._file.fileno(), self.path)
            self._answers = self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> dict[str, str]:
        self._file.seek(0)
        content = self._file.read()
        complete = content.rfind(b"\n") + 1
        answers: dict[str, str] = {}
        for number, line in enumerate(content[:complete].splitlines(), start=1):
            try:
                record = json.loads(line)
                if not (isinstance(record["key"], str) and isinstance(record["answer"], str)):
                    raise TypeError("key and answer must be strings")
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{self.path}, line {number}: no answer ({type(error).__name__}: {error}). Is it a file of "
                    "answers? Remove the line, or choose another file."
                ) from error
            answers[record["key"]] = record["answer"]
        if complete < len(content):
            self._file.truncate(complete)
        return answers

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: str) -> str | None:
        """The answer to a question, or None."""
        return self._answers.get(key)

    def add(self, key: str, answer: str) -> None:
        """Keeps an answer; it is on disk when this returns."""
        # Escaped, so that lone surrogates in an answer can be written too.
        line = json.dumps({"key": key, "answer": answer}).encode() + b"\n"
        before = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            os.fsync(self._file.fileno())
        except BaseException:
            self._file.truncate(before)  # half a line would spoil the next one
            raise
        self._answers[key] = answer

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(descriptor: int, path: Path) -> None:
    """Keeps other processes out, where the system can (not on Windows)."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(f"Another run uses {path}. Wait for its end, or choose another file.") from None
