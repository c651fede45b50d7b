"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.bulk.inputs import Input, open_place
from right_hf.bulk.pieces import Piece, parquet_metadata
from right_hf.bulk.rows import Batch, Layout, Rejects, Row, json_line

#: Rows that are decoded at once.
_DECODED = 1024


def parquet_batches(piece: Piece, layout: Layout, rejects: Rejects) -> Iterator[Batch]:
    """The batches of a piece, with all columns.

    Raises:
        OSError, pa.ArrowException: The file is damaged, or gone.
        ValueError: It has no such column.
    """
    system, path = open_place(piece.file)
    with system.open(path, "rb") as opened:
        file = pq.ParquetFile(opened)
        check_columns(piece.file, file.schema_arrow, layout)
        place = piece.start
        for table in _in_batches(_rows(file, piece), layout.size):
            texts = table.column(layout.text).to_pylist()
            ids = [None] * len(texts) if layout.id is None else table.column(layout.id).to_pylist()
            rows = _as_json(table) if layout.output == "jsonl" else [None] * len(texts)
            wrong = [_wrong(*row, layout) for row in zip(texts, ids, rows, strict=True)]
            for row, reason in enumerate(wrong):
                if reason is not None:
                    rejects.add("row", place + row, reason, ids[row])
            place += len(texts)
            good = [reason is None for reason in wrong]
            kept = table if all(good) else table.filter(pa.array(good))
            values = [row for row, is_good in zip(rows, good, strict=True) if is_good and row is not None]
            answered = [text for text, is_good in zip(texts, good, strict=True) if is_good]
            yield Batch(answered, values if layout.output == "jsonl" else kept)


def check_columns(file: str, schema: pa.Schema, layout: Layout) -> None:
    """Refuses a file without the columns that are asked for.

    Raises:
        ValueError: A column is missing, that of the posts holds no strings, or that of the answers is there.
    """
    for option, name in (("--text-column", layout.text), ("--id-column", layout.id)):
        if name is not None and name not in schema.names:
            raise ValueError(f"{file} has no column {name!r}, only {', '.join(schema.names)}. Name it with {option}.")
    if layout.answers in schema.names:
        raise ValueError(f"{file} has a column {layout.answers!r} already. Name another for the answers with --column.")
    kind = schema.field(layout.text).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)):
        raise ValueError(
            f"The column {layout.text!r} of {file} holds {kind}, expected strings. Name another with --text-column."
        )


def _as_json(table: pa.Table) -> list[Row]:
    """Rows as values; times become texts, as JSON has none."""
    return [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, time)) else value


def _wrong(text: Any, identity: Any, row: Row | None, layout: Layout) -> str | None:
    """What keeps a row from being answered, or from being written as JSON where it is to be."""
    if (reason := layout.wrong(text, identity)) is None and row is not None:
        try:
            json_line(row)
        except ValueError as error:
            return f"{error}; --format parquet keeps any column"
    return reason


def _rows(file: Any, piece: Piece) -> Iterator[pa.Table]:
    """The rows of a piece as they are decoded: of the row groups that it overlaps, what lies in it."""
    start, stop = piece.start, file.metadata.num_rows if piece.stop is None else piece.stop
    groups: list[int] = []
    at = begin = 0
    for group in range(file.metadata.num_row_groups):
        end = at + file.metadata.row_group(group).num_rows
        if at < stop and start < end:
            begin = at if not groups else begin
            groups.append(group)
        at = end
    for decoded in file.iter_batches(_DECODED, row_groups=groups) if groups else ():
        first, last = max(start - begin, 0), min(stop - begin, decoded.num_rows)
        begin += decoded.num_rows
        if first < last:
            yield pa.Table.from_batches([decoded.slice(first, last - first)])
        if begin >= stop:
            return


def _in_batches(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """The rows of tables, `size` at a time."""
    left: pa.Table | None = None
    for table in tables:
        table = table if left is None else pa.concat_tables([left, table])
        whole = table.num_rows - table.num_rows % size
        for start in range(0, whole, size):
            yield table.slice(start, size)
        left = table.slice(whole)
    if left is not None and left.num_rows:
        yield left


def schema_of(one: Input) -> pa.Schema | None:
    """The columns of a file; None where it cannot be read."""
    try:
        return parquet_metadata(one.file).schema.to_arrow_schema()
    except (OSError, pa.ArrowException):
        return None
