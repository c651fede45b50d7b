"""Rows of JSONL files: each line an object, wherever a range of bytes cuts the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from right_hf.bulk.inputs import Input, open_place
from right_hf.bulk.pieces import Piece
from right_hf.bulk.rows import Batch, Layout, Rejects, Row
from right_hf.textfiles import line_value, utf8_lines

_BOM = b"\xef\xbb\xbf"


def json_batches(piece: Piece, layout: Layout, rejects: Rejects) -> Iterator[Batch]:
    """The batches of a piece; empty lines are passed over.

    Raises:
        OSError, ValueError: The file is damaged, or gone.
    """
    system, path = open_place(piece.file)
    with system.open(path, "rb") as file:
        batch: list[Row] = []
        for row in _good_rows(_placed_lines(file, piece), layout, rejects):
            batch.append(row)
            if len(batch) == layout.size:
                yield _batch(batch, layout)
                batch = []
        yield _batch(batch, layout)  # perhaps an empty one, which still tells the columns


def lines_between(file: Any, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    """The lines that begin at `start` or later and before `stop`, whole, each with the byte at which it begins.

    Ranges that make up a file hold each of its lines once, wherever they meet.
    """
    at = start
    if start:  # the rest of a line that began before, unless one ends right here
        file.seek(start - 1)
        at += len(file.readline()) - 1
    while at < stop and (line := file.readline()):
        yield at, line
        at += len(line)


def sampled_schema(inputs: Sequence[Input]) -> pa.Schema:
    """The columns that the first lines of JSONL files have.

    Raises:
        ValueError: A field has values of several kinds, which no column holds.
    """
    rows: list[Row] = []
    for one in inputs:
        rows.extend(_first_rows(one))
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = []
    for name in names:
        try:
            kind = pa.array([row.get(name) for row in rows]).type
        except pa.ArrowException as error:
            raise ValueError(
                f"The field {name!r} has values of several kinds ({error}), which no column of Parquet holds. "
                "Choose --format jsonl, which keeps them."
            ) from error
        fields.append(pa.field(name, pa.string() if pa.types.is_null(kind) else kind))
    return pa.schema(fields)


def field_names(inputs: Iterable[Input]) -> list[str]:
    """The fields that the first lines of JSONL files have."""
    return list(dict.fromkeys(name for one in inputs for row in _first_rows(one) for name in row))


def _first_rows(one: Input) -> Iterator[Row]:
    """The objects in the first lines of a file; what is damaged is left to whoever reads it."""
    system, path = open_place(one.file)
    taken = 0
    with system.open(path, "rb") as file:
        try:
            for line in utf8_lines(file, errors="replace"):
                taken += len(line)
                try:
                    row = _parsed(line)
                except ValueError:
                    continue
                if isinstance(row, dict):
                    yield row
                if taken >= _SAMPLED:
                    return
        except ValueError:
            return


#: Bytes of each file by which its columns are judged.
_SAMPLED = 1 << 18


def _placed_lines(file: Any, piece: Piece) -> Iterator[tuple[str, int, bytes]]:
    """The lines of a piece, each with what its place counts and its place."""
    if piece.stop is None:
        for number, line in enumerate(utf8_lines(file, errors="replace"), start=1):
            yield "line", number, line
        return
    for at, line in lines_between(file, piece.start, piece.stop):
        yield "byte", at, line if at else line.removeprefix(_BOM)


def _good_rows(lines: Iterable[tuple[str, int, bytes]], layout: Layout, rejects: Rejects) -> Iterator[Row]:
    for unit, place, line in lines:
        if not line.strip():
            continue
        identity = None
        try:
            row = _parsed(line)
            if not isinstance(row, dict):
                raise ValueError(f"is no JSON object: {row!r:.80}")
            identity = row.get(layout.id) if layout.id is not None else None
            if wrong := layout.wrong(row.get(layout.text), identity):
                raise ValueError(wrong)
            if layout.answers in row:
                raise ValueError(f"has a field {layout.answers!r} already; --column names another for the answers")
            if layout.schema is not None:
                _check_fit(row, layout.schema)
        except ValueError as error:
            rejects.add(unit, place, str(error), identity)
        else:
            yield row


def _parsed(line: bytes) -> Any:
    try:
        return line_value(line)
    except ValueError as error:
        raise ValueError(f"is no JSON ({error})") from None


def _check_fit(row: Row, schema: pa.Schema) -> None:
    if unknown := [name for name in row if name not in schema.names]:
        raise ValueError(
            f"has the field {unknown[0]!r}, which the first lines have not; --format jsonl keeps any fields"
        )
    for field in schema:
        try:
            pa.array([row.get(field.name)], field.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"does not fit: {field.name!r} is {field.type} in the first lines ({error}); --format jsonl keeps any"
            ) from None


def _batch(rows: list[Row], layout: Layout) -> Batch:
    texts = [row[layout.text] for row in rows]
    return Batch(texts, rows if layout.schema is None else pa.Table.from_pylist(rows, schema=layout.schema))
