"""Rows of a piece: what is in them, which are bad and why, a batch at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from right_hf.bulk.pieces import Piece

Row = dict[str, Any]


class Batch(NamedTuple):
    """Rows that are answered at once.

    Attributes:
        texts: Their posts.
        rows: All that is in them: as columns, or as values that JSON has.
    """

    texts: list[str]
    rows: pa.Table | list[Row]


@dataclass(frozen=True)
class Layout:
    """How rows are read.

    Attributes:
        text: Column of the posts.
        id: Column of their ids, which every row must have; None where none is asked for.
        answers: Column that the answers get, which rows must not have yet.
        size: Rows of a batch.
        output: The format in which they are written, `parquet` or `jsonl`.
        schema: What rows of JSON must fit to be written as Parquet.
    """

    text: str = "text"
    id: str | None = None
    answers: str = "recommendations"
    size: int = 16
    output: str = "parquet"
    schema: pa.Schema | None = None

    def wrong(self, text: Any, identity: Any) -> str | None:
        """What keeps a row from being answered, in words."""
        if not isinstance(text, str):
            return f'has no string under "{self.text}": {text!r:.80}'
        is_named = isinstance(identity, (str, int)) and not isinstance(identity, bool) and identity != ""
        if self.id is not None and not is_named:
            return f'has no string or number under "{self.id}": {identity!r:.80}'
        return None


class Rejects:
    """The bad rows of a piece, each with its file, its place there and what is wrong."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.rows: list[Row] = []

    def add(self, unit: str, place: int, reason: str, identity: Any = None) -> None:
        """Adds one: `unit` says what its place counts, "row" (from 0), "line" (from 1) or "byte" (from 0)."""
        known = {"id": identity} if isinstance(identity, (str, int)) else {}
        self.rows.append({"file": self.piece.file, unit: place, **known, "reason": reason})


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON: readable, and where it holds half a character escaped, so that nothing is lost.

    Raises:
        ValueError: It holds what JSON has not.
    """
    try:
        return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:
        return (json.dumps(row, allow_nan=False) + "\n").encode()
    except TypeError as error:
        raise ValueError(f"holds what JSON has not ({error})") from None
