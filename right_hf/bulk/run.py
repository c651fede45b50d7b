"""A run: the pieces that are not done yet are answered over an engine, and what became of all is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from right_hf.bulk.annotating import Annotator, Done
from right_hf.bulk.checkpoints import NamedCheckpoint
from right_hf.bulk.inputs import Input, list_inputs, refuse_overlap
from right_hf.bulk.json_rows import field_names, sampled_schema
from right_hf.bulk.manifest import describe, settle
from right_hf.bulk.outputs import SUMMARY, Counts, Output
from right_hf.bulk.parquet_rows import check_columns, schema_of
from right_hf.bulk.pieces import Piece, cut_inputs
from right_hf.bulk.rows import Layout
from right_hf.progress import bar, shows_progress
from right_hf.workers import Engine

logger = logging.getLogger(__name__)

#: Parts of an earlier run that are counted at once.
_THREADS = 16
#: Seconds between two lines about the progress where no bar is shown.
_TOLD_EACH = 30.0


@dataclass(frozen=True)
class Annotation:
    """What is to be annotated, and how.

    Attributes:
        pattern: Names the inputs, see [`right_hf.bulk.inputs.list_inputs`].
        output: The folder of the answers.
        checkpoint: What recommends.
        layout: How rows are read; its `output` and `schema` are found out here.
        format: Of the answers; None for that of the inputs.
        rows: Rows of a piece, about.
        asked: Arguments of [`right_hf.RightModel.recommend`], ready to be used again and again.
        options: What tells these from others, as JSON has it.
        now: The time of the posts; None for that at which the run begins.
    """

    pattern: str
    output: str
    checkpoint: NamedCheckpoint
    layout: Layout
    format: str | None = None
    rows: int = 2048
    asked: Mapping[str, Any] | None = None
    options: Mapping[str, Any] | None = None
    now: float | None = None


def annotate(annotation: Annotation, engine: Engine, overwrite: bool = False) -> dict[str, Any]:
    """Annotates posts; what an earlier run has done of the same is not done again.

    Returns:
        The summary, which is also written: counts, failures by file, posts a second, versions.

    Raises:
        FileNotFoundError, ValueError, ImportError: See [`list_inputs`], [`refuse_overlap`] and [`settle`]; a column is
            missing, or there are no posts.
    """
    inputs = list_inputs(annotation.pattern)
    output = Output.of(annotation.output, annotation.format or inputs[0].format)
    refuse_overlap(annotation.pattern, inputs, output.address, output.part(0))
    layout = _settled(annotation.layout, inputs, output.format)
    pieces = cut_inputs(inputs, -(-annotation.rows // layout.size) * layout.size)
    if not pieces:
        raise ValueError(f"The {len(inputs)} files that {annotation.pattern} names hold no post.")
    described = describe(inputs, _options(annotation, layout), annotation.checkpoint.identity(), len(pieces))
    now = settle(output, described, annotation.now, overwrite)
    names = output.names()
    left = [piece for piece in pieces if output.part(piece.number) not in names]
    earlier = _counted(output, [piece for piece in pieces if output.part(piece.number) in names])
    annotator = Annotator(annotation.checkpoint, output, layout, {**(annotation.asked or {}), "now": now})
    start = time.perf_counter()
    done = _followed(engine, annotator, left, sum(counts.posts for counts in earlier))
    seconds = time.perf_counter() - start
    summary = _summary(output, pieces, earlier, done, seconds) | {"now": now, "versions": described["versions"]}
    if not summary["failures"]:
        output.remove({name for name in output.names() if name.startswith(".")})  # of runs that were killed
    output.write_object(SUMMARY, summary)
    return summary


def _settled(layout: Layout, inputs: Sequence[Input], format: str) -> Layout:
    """The layout for these files; wrong names of columns are found before anything is written."""
    if inputs[0].format == "parquet":
        readable = ((one.file, schema) for one in inputs if (schema := schema_of(one)) is not None)
        for file, schema in islice(readable, 1):
            check_columns(file, schema, layout)
        return replace(layout, output=format)
    schema = sampled_schema(inputs) if format == "parquet" else None
    names = field_names(inputs[:1]) if schema is None else schema.names
    if names:
        for option, name in (("--text-column", layout.text), ("--id-column", layout.id)):
            if name is not None and name not in names:
                raise ValueError(
                    f"The lines of {inputs[0].file} have no field {name!r}, only {', '.join(names)}. "
                    f"Name it with {option}."
                )
    return replace(layout, output=format, schema=schema)


def _options(annotation: Annotation, layout: Layout) -> dict[str, Any]:
    columns = {"text_column": layout.text, "id_column": layout.id, "column": layout.answers}
    schema = {} if layout.schema is None else {"schema": {field.name: str(field.type) for field in layout.schema}}
    sizes = {"batch_size": layout.size, "piece_rows": annotation.rows, "format": layout.output}
    return {**columns, **schema, **sizes, **(annotation.options or {})}


def _counted(output: Output, pieces: Sequence[Piece]) -> list[Counts]:
    with ThreadPoolExecutor(_THREADS) as pool:
        return [counts for counts in pool.map(output.counts, [piece.number for piece in pieces]) if counts is not None]


def _followed(engine: Engine, annotator: Annotator, pieces: Sequence[Piece], posts: int) -> list[Done]:
    """What became of each piece; how far the work is, is shown meanwhile."""
    if not pieces:
        return []
    done: list[Done] = []
    rows = [piece.stop - piece.start for piece in pieces if piece.format == "parquet" and piece.stop is not None]
    total = posts + sum(rows) if len(rows) == len(pieces) else None
    start = told = time.perf_counter()
    with bar(None, "annotating", "post", total=total, initial=posts) as shown:
        for one in engine(annotator, pieces):
            done.append(one)
            if one.failure is not None:
                logger.error("%s", one.failure)
            shown.update(0 if one.counts is None else one.counts.posts)
            if not shows_progress() and (at := time.perf_counter()) - told >= _TOLD_EACH:
                told, fresh = at, sum(each.counts.posts for each in done if each.counts is not None)
                rate = fresh / (at - start)
                logger.info("%d posts, %.1f a second, %d of %d pieces", posts + fresh, rate, len(done), len(pieces))
    return done


def _summary(
    output: Output, pieces: Sequence[Piece], earlier: Sequence[Counts], done: Sequence[Done], seconds: float
) -> dict[str, Any]:
    fresh = [one.counts for one in done if one.counts is not None]
    posts = sum(counts.posts for counts in fresh)
    return {
        "output": output.address,
        "posts": posts + sum(counts.posts for counts in earlier),
        "rejected": sum(counts.rejected for counts in (*earlier, *fresh)),
        "pieces": len(pieces),
        "annotated_now": posts,
        "seconds": round(seconds, 3),
        "posts_a_second": round(posts / seconds, 1) if posts else None,
        "failures": [one.failure for one in done if one.failure is not None],
    }
