"""The posts that `right-hf recommend` is given: lines of text, or of JSON with what is wrong in them named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from right_hf.textfiles import line_value

Record = dict[str, Any]


def read_lines(lines: Iterable[bytes]) -> Iterator[Record]:
    """A record for each line of text; bytes that are no UTF-8 are replaced."""
    for line in lines:
        yield {"text": line.decode("utf-8", errors="replace").rstrip("\r\n")}


def read_jsonl(lines: Iterable[bytes], refuse: Callable[[str], object]) -> Iterator[Record]:
    """`id` (if there is one) and `text` of each line's JSON object; empty lines are passed over.

    Args:
        lines: In UTF-8.
        refuse: Called with what is wrong with a line, which is left out.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                record = _parse(line)
            except ValueError as error:
                refuse(f"Line {number} of the input {error}")
            else:
                yield record


def _parse(line: bytes) -> Record:
    """The record in a line; the message of its ValueError goes on after "Line 1 of the input"."""
    try:
        record = line_value(line)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error}). Correct or remove it.") from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ValueError(f'has no string under "text": {record!r:.80}')
    found = record.get("id")
    if isinstance(found, (dict, list)) or (isinstance(found, float) and not math.isfinite(found)):
        raise ValueError(f'has no string or number under "id": {found!r:.80}')
    if isinstance(found, str) and any("\ud800" <= character <= "\udfff" for character in found):
        raise ValueError(f'has half a character under "id", which no file could hold: {found!a:.80}')
    return {name: record[name] for name in ("id", "text") if name in record}


def batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """The records by `size`; those before an unreadable one come out before its error."""
    batch: list[Record] = []
    try:
        for record in records:
            batch.append(record)
            if len(batch) == size:
                yield batch
                batch = []
    except ValueError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
