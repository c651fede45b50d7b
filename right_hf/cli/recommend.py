"""`right-hf recommend`: recommend hashtags for posts.

Posts are arguments, or the lines of --input or of standard input.

Each post gives one line of JSON: its text, its id where it has one, and its recommendations, best first, each
with hashtag, score (the estimated probability that the author would use it), source ("retrieved", "generated",
"both", "post" where it only stands there, "popular" where others have just used it, "listed" where you named it),
evidence (ids of posts that carry it), present (whether the post has it already) and posted (with its hash sign).
Results are written batch by batch while input comes in.

Examples:
  right-hf recommend "Scaling Erlang cluster to 10k nodes at WhatsApp"
  right-hf recommend --top-k 3 --threshold 0.1 < posts.txt
  right-hf recommend --input posts.jsonl --model user/right-en --revision v1.0 > hashtags.jsonl
  tail -f stream.jsonl | right-hf recommend --jsonl --batch-size 1 | jq -r '.recommendations[0].hashtag'
  right-hf recommend --retriever user/fresher-index "A visual guide to the Go memory allocator"
  right-hf recommend --style pascal --platform mastodon --allowed our-hashtags.txt "Notes from KubeCon"
  right-hf recommend --now 2020-05-31T12:00Z "What is everybody talking about"
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from right_hf.checks import ERRORS
from right_hf.cli.options import (
    add_model_options,
    as_path,
    as_text,
    load_model,
    moment,
    positive,
    probability,
    say,
    uncollected,
    write_result,
)
from right_hf.cli.preferences import add_preference_options, preference_arguments
from right_hf.cli.records import Record, batches, read_jsonl, read_lines
from right_hf.textfiles import utf8_lines
from right_hf.workers import in_order

_JSONL = 'lines are JSON objects with "text" and perhaps "id" (taken for granted if FILE ends with .jsonl or .jsonl.gz)'
_INPUT = "read posts from a file (also gzip, UTF-16, /dev/stdin, <(…)) instead of standard input"
_ERRORS = "of a line that is no such object: name it, go on and fail in the end (skip, the default), or stop (raise)"
_GENERATE_WHEN = "ask the generator of posts whose best score without it is at most P (default: as the checkpoint says)"
_THRESHOLD = "only scores of at least P (default: as the checkpoint says; 0 for all)"
_NOW = "when the posts are written, for a ranker that knows what is in use: ISO time or seconds (default: now)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("posts", nargs="*", type=as_text, metavar="POST", help="a post; without any, posts are read, one a line")
    add("--input", type=as_path, metavar="FILE", help=_INPUT)
    add("--jsonl", action="store_true", help=_JSONL)
    add("--top-k", type=positive, default=5, metavar="K", help="at most K hashtags a post (default: 5)")
    add("--threshold", type=probability, metavar="P", help=_THRESHOLD)
    add("--batch-size", type=positive, metavar="N", help="posts at once (default: 16; 1 on a terminal)")
    add("--workers", type=positive, default=1, metavar="N", help="processes that share the batches (default: 1)")
    add("--generate-when", type=probability, metavar="P", help=_GENERATE_WHEN)
    add("--now", type=moment, metavar="TIME", help=_NOW)
    add("--errors", choices=ERRORS, default="skip", help=_ERRORS)
    add_preference_options(parser)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; 1 where a line was left out."""
    if arguments.posts and (arguments.input or arguments.jsonl):
        raise argparse.ArgumentTypeError("give posts as arguments or as --input/--jsonl, not both")
    source: Path | None = None if str(arguments.input) == "-" else arguments.input
    if source is not None and (source.is_dir() or not source.exists()):
        raise FileNotFoundError(f"There is no file {source}. Give a file of posts, one a line.")
    typed = not arguments.posts and source is None and sys.stdin.isatty()
    # Posts that are arguments are few, and the process ends with them.
    with uncollected() if arguments.posts else nullcontext():
        return _answer(arguments, source, typed)


def _answer(arguments: argparse.Namespace, source: Path | None, typed: bool) -> int:
    model = load_model(arguments)
    if typed:
        sys.stderr.write("Reading posts from the terminal, one a line; Ctrl-D ends.\n")
    asked = {
        "top_k": arguments.top_k,
        "threshold": arguments.threshold,
        "now": arguments.now,
        "generate_when": arguments.generate_when,
        **preference_arguments(arguments),
    }
    size = arguments.batch_size or (1 if typed else 16)
    refused: list[str] = []
    with source.open("rb") if source is not None else nullcontext(sys.stdin.buffer) as file:
        records = batches(_records(arguments, file, refused), size)
        for results in in_order(partial(_results, model, asked), records, arguments.workers):
            for result in results:
                write_result(result)
    return 1 if refused else 0


def _results(model: Any, asked: dict[str, Any], batch: list[Record]) -> list[dict[str, Any]]:
    """What is written of a batch of posts."""
    found = model.recommend([record["text"] for record in batch], **asked)
    return [
        {**record, "recommendations": [asdict(entry) for entry in recommendations]}
        for record, recommendations in zip(batch, found, strict=True)
    ]


def _records(arguments: argparse.Namespace, file: Any, refused: list[str]) -> Iterable[Record]:
    """The posts of the arguments, else those of a file; what is wrong with a line is said and added to `refused`."""
    if arguments.posts:
        return [{"text": post} for post in arguments.posts]
    lines = utf8_lines(file, errors="replace")
    name = "" if arguments.input is None else arguments.input.name.removesuffix(".gz")
    if not (arguments.jsonl or name.endswith(".jsonl")):
        return read_lines(lines)

    def refuse(what: str) -> None:
        if arguments.errors == "raise":
            raise ValueError(what)
        refused.append(what)
        say(f"{what} (left out)")

    return read_jsonl(lines, refuse)
