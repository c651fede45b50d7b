"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.bulk.inputs import open_place
from right_hf.bulk.pieces import Piece
from right_hf.bulk.rows import Batch, Layout, Rejects

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
            wrong = [layout.wrong(text, identity) for text, identity in zip(texts, ids, strict=True)]
            for row, reason in enumerate(wrong):
                if reason is not None:
                    rejects.add("row", place + row, reason, ids[row])
            place += len(texts)
            good = [reason is None for reason in wrong]
            if any(good):
                kept = table if all(good) else table.filter(pa.array(good))
                yield Batch([text for text, is_good in zip(texts, good, strict=True) if is_good], kept)


def check_columns(file: str, schema: pa.Schema, layout: Layout) -> None:
    """Refuses a file without the columns that are asked for.

    Raises:
        ValueError: A column is missing, or that of the posts holds no strings.
    """
    for option, name in (("--text-column", layout.text), ("--id-column", layout.id)):
        if name is not None and name not in schema.names:
            raise ValueError(f"{file} has no column {name!r}, only {', '.join(schema.names)}. Name it with {option}.")
    kind = schema.field(layout.text).type
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value)):
        raise ValueError(
            f"The column {layout.text!r} of {file} holds {kind}, expected strings. Name another with --text-column."
        )


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
