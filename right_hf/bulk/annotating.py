"""Answering a piece: its rows with their recommendations, written before anybody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, time
from typing import Any

import pyarrow as pa

from right_hf.bulk.checkpoints import NamedCheckpoint
from right_hf.bulk.json_rows import json_batches
from right_hf.bulk.outputs import Counts, Output, PartWriter, json_line
from right_hf.bulk.parquet_rows import parquet_batches
from right_hf.bulk.pieces import Piece
from right_hf.bulk.rows import Batch, Layout, Rejects, Row

#: The column of recommendations in Parquet, as `right-hf recommend` writes them in JSON.
RECOMMENDATIONS = pa.list_(
    pa.struct(
        [
            ("hashtag", pa.string()),
            ("score", pa.float64()),
            ("source", pa.string()),
            ("evidence", pa.list_(pa.string())),
            ("present", pa.bool_()),
            ("posted", pa.string()),
        ]
    )
)
_READERS = {"parquet": parquet_batches, "jsonl": json_batches}


@dataclass(frozen=True)
class Done:
    """What became of a piece.

    Attributes:
        number: Of the piece.
        counts: Of its rows; None where it could not be read.
        failure: Why, in words.
    """

    number: int
    counts: Counts | None
    failure: str | None = None


@dataclass(frozen=True)
class Annotator:
    """Answers pieces; it may be sent to any process that sees the same files, and loads its checkpoint there.

    Attributes:
        checkpoint: What recommends.
        output: Where the answers go.
        layout: How rows are read.
        column: The column that recommendations get.
        asked: Arguments of [`right_hf.RightModel.recommend`].
    """

    checkpoint: NamedCheckpoint
    output: Output
    layout: Layout
    column: str
    asked: Mapping[str, Any]

    def load(self) -> None:
        """Loads the checkpoint, once a process."""
        self.checkpoint.model  # noqa: B018

    def __call__(self, piece: Piece) -> Done:
        """Writes the answers of a piece; doing it again writes the same."""
        rejects = Rejects(piece)
        batches = _READERS[piece.format](piece, self.layout, rejects)
        with self.output.written(self.output.part(piece.number)) as scratch:
            with closing(PartWriter(scratch, self.output.format)) as writer:
                pass
        return Done(piece.number, Counts(writer.posts, len(rejects.rows)))
