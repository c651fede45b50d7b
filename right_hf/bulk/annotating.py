"""Answering a piece: its rows with their recommendations, written before anybody is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from right_hf.bulk.checkpoints import NamedCheckpoint
from right_hf.bulk.json_rows import json_batches
from right_hf.bulk.outputs import Counts, Output, PartWriter
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


class UnreadableError(Exception):
    """A piece cannot be read."""


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
        asked: Arguments of [`right_hf.RightModel.recommend`].
    """

    checkpoint: NamedCheckpoint
    output: Output
    layout: Layout
    asked: Mapping[str, Any]

    def load(self) -> None:
        """Loads the checkpoint, once a process."""
        _ = self.checkpoint.model

    def __call__(self, piece: Piece) -> Done:
        """Writes the answers of a piece, unless they are there; doing it again would write the same."""
        if (counts := self.output.counts(piece.number)) is not None:
            return Done(piece.number, counts)
        rejects = Rejects(piece)
        try:
            with self.output.written(self.output.part(piece.number)) as scratch:
                with closing(PartWriter(scratch, self.output.format)) as writer:
                    for batch in _readable(piece, self.layout, rejects):
                        writer.write(self._answered(batch))
                # Before the part, whose being there says that all is done.
                self.output.write_rejected(piece.number, rejects.rows)
        except UnreadableError as error:
            return Done(piece.number, None, str(error))
        return Done(piece.number, Counts(writer.posts, len(rejects.rows)))

    def _answered(self, batch: Batch) -> pa.Table | list[Row]:
        """The rows of a batch with the column of answers."""
        found = self.checkpoint.model.recommend(batch.texts, **self.asked) if batch.texts else []
        answers = [[asdict(entry) for entry in recommendations] for recommendations in found]
        if isinstance(batch.rows, pa.Table):
            return batch.rows.append_column(self.layout.answers, pa.array(answers, RECOMMENDATIONS))
        return [{**row, self.layout.answers: answer} for row, answer in zip(batch.rows, answers, strict=True)]


def _readable(piece: Piece, layout: Layout, rejects: Rejects) -> Iterator[Batch]:
    """The batches of a piece; whatever goes wrong in reading is [`UnreadableError`], nothing else is."""
    try:
        yield from _READERS[piece.format](piece, layout, rejects)
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise UnreadableError(f"{piece.file} cannot be read: {error}") from error
