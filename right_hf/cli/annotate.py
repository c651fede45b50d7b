"""`right-hf annotate`: recommend hashtags for many posts, in files.

Reads Parquet or JSONL files on this machine or behind any address that `fsspec` knows, such as s3://… or
hf://datasets/user/name/…, and writes each row with a column "recommendations", as `right-hf recommend` has them. The
files are cut into pieces, and the answers to each are one file of the output, which appears whole or not at all. A run
that was stopped, or lost a node, goes on where it was when it is given again, and does nothing twice. Rows without a
text go with the reason to _rejected; what is read, asked and answered with is in _manifest.json, and a run with
anything else is refused. One line of JSON tells in the end what was done; it is also in _summary.json.

Examples:
  right-hf annotate --input 'posts/*.parquet' --output annotated --workers 8
  right-hf annotate --input posts.jsonl.gz --output annotated --text-column body --format parquet
  right-hf annotate --input 's3://bucket/posts/*.parquet' --output s3://bucket/annotated --engine ray --address auto
  right-hf annotate --input 'hf://datasets/user/posts/data/*.parquet' --output annotated --workers 2
  right-hf annotate --input posts --output annotated --engine ray --gpus-per-actor 0.5 --generator my-generator
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from right_hf.cli.engines import add_engine_options, chosen_engine
from right_hf.cli.options import (
    add_model_options,
    as_text,
    moment,
    named_checkpoint,
    positive,
    probability,
    write_result,
)
from right_hf.cli.preferences import add_preference_options, preference_arguments

_FORMAT = "of the output (default: that of the input; JSONL keeps lines whose fields differ, Parquet has columns)"
_PIECE = "rows that are answered and written at once, about (default: 2048)"
_NOW = "when the posts are written: ISO time or seconds (default: when the run is begun)"
#: Options that say what is recommended, besides the files that some of them name.
_ASKED = ("top_k", "threshold", "generate_when", "style", "platform", "preferred", "blocked", "min_count", "diversity")
_FILES = ("allowed", "blocked_file", "safety")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("--input", required=True, type=as_text, metavar="FILES", help="a file, a folder, or a pattern in quotes")
    add("--output", required=True, type=as_text, metavar="FOLDER", help="folder of the answers")
    add("--overwrite", action="store_true", help="begin anew where another run is in FOLDER")
    add("--format", choices=("parquet", "jsonl"), help=_FORMAT)
    add("--text-column", type=as_text, default="text", metavar="NAME", help="column of the posts (default: text)")
    add("--id-column", type=as_text, metavar="NAME", help="column of ids, which every row must have then")
    what = "column of the answers (default: recommendations)"
    add("--column", type=as_text, default="recommendations", metavar="NAME", help=what)
    add("--batch-size", type=positive, default=16, metavar="N", help="posts at once (default: 16)")
    add("--piece-rows", type=positive, default=2048, metavar="N", help=_PIECE)
    add("--top-k", type=positive, default=5, metavar="K", help="at most K hashtags a post (default: 5)")
    what = "only scores of at least P (default: as the checkpoint says; 0 for all)"
    add("--threshold", type=probability, metavar="P", help=what)
    what = "ask the generator of posts whose best score without it is at most P (default: as the checkpoint says)"
    add("--generate-when", type=probability, metavar="P", help=what)
    add("--now", type=moment, metavar="TIME", help=_NOW)
    add_engine_options(parser)
    add_preference_options(parser)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; 1 where a file could not be read."""
    engine = chosen_engine(arguments)
    from right_hf.bulk.rows import Layout
    from right_hf.bulk.run import Annotation, annotate

    asked = {name: getattr(arguments, name) for name in ("top_k", "threshold", "generate_when")}
    annotation = Annotation(
        pattern=arguments.input,
        output=arguments.output,
        checkpoint=named_checkpoint(arguments),
        layout=Layout(arguments.text_column, arguments.id_column, arguments.column, arguments.batch_size),
        format=arguments.format,
        rows=arguments.piece_rows,
        asked={**asked, **preference_arguments(arguments)},
        options=_options(arguments),
        now=arguments.now,
    )
    summary = annotate(annotation, engine, arguments.overwrite)
    write_result(summary)
    return 1 if summary["failures"] else 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is asked for, as the manifest has it: files of hashtags by their content."""
    found = {name: getattr(arguments, name) for name in (*_ASKED, "include_present")}
    for name in _FILES:
        given = getattr(arguments, name, "default")
        found[name] = hashlib.sha256(given.read_bytes()).hexdigest() if isinstance(given, Path) else given
    return found
