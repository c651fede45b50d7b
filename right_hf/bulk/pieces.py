"""Pieces of files, which are answered one by one: rows of a Parquet file, a range of bytes of a JSONL file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.bulk.inputs import Input, open_place
from right_hf.textfiles import is_wide

#: Bytes by which the length of a file's lines is judged.
HEAD = 1 << 16
#: Footers that are read at once, as each may take a request.
_THREADS = 16


@dataclass(frozen=True)
class Piece:
    """A part of a file.

    Attributes:
        number: Its place among all pieces, by which its answers are named.
        file: The file's address.
        format: The file's.
        start: The first row, or the first byte: a line belongs to the piece in which it begins.
        stop: The row or byte after the last; None for a file that is read from its beginning to its end.
    """

    number: int
    file: str
    format: str
    start: int = 0
    stop: int | None = None


def cut_inputs(inputs: Sequence[Input], rows: int) -> list[Piece]:
    """Cuts files into pieces of about so many rows, the same whenever the files are.

    A Parquet file that cannot be read is one piece, of which whoever reads it tells what is wrong.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        ranges = [list(found) for found in pool.map(partial(_ranges, rows=rows), inputs)]
    cut = [(one, piece) for one, found in zip(inputs, ranges, strict=True) for piece in found]
    return [Piece(number, one.file, one.format, *piece) for number, (one, piece) in enumerate(cut)]


def head_of(one: Input) -> bytes:
    """The first bytes of a file."""
    system, path = open_place(one.file)
    with system.open(path, "rb") as file:
        return bytes(file.read(HEAD))


def _ranges(one: Input, rows: int) -> Iterator[tuple[int, int | None]]:
    if one.format == "parquet":
        yield from _row_ranges(one, rows)
    elif one.size:
        head = b"" if one.is_compressed else head_of(one)
        if one.is_compressed or is_wide(head):  # read from the beginning only
            yield 0, None
        else:
            lines = max(1, head.count(b"\n"))
            yield from _even(one.size, max(1, len(head) * rows // lines))


def _row_ranges(one: Input, rows: int) -> Iterator[tuple[int, int | None]]:
    try:
        count = parquet_metadata(one.file).num_rows
    except (OSError, pa.ArrowException):
        yield 0, None
        return
    for start in range(0, count, rows):
        yield start, min(start + rows, count)


def _even(size: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges that make up `size`, as long as one another and about `width`."""
    count = -(-size // width)
    for number in range(count):
        yield size * number // count, size * (number + 1) // count


def parquet_metadata(file: str) -> Any:
    """The footer of a Parquet file."""
    system, path = open_place(file)
    with system.open(path, "rb") as opened:
        return pq.ParquetFile(opened).metadata
