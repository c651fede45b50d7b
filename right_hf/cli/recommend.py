"""`right-hf recommend`: recommend hashtags for posts.

Posts are arguments, or the lines of --input or of standard input.

Each post gives one line of JSON: its text, its id where it has one, and its recommendations, best first, each
with hashtag, score (the estimated probability that the author would use it), source ("retrieved", "generated",
"both", "post" where it only stands there, "popular" where others have just used it) and evidence (ids of the
retrieved posts that carry it). Results are written batch by batch while input comes in.

Examples:
  right-hf recommend "Scaling Erlang cluster to 10k nodes at WhatsApp"
  right-hf recommend --top-k 3 --threshold 0.1 < posts.txt
  right-hf recommend --input posts.jsonl --model user/right-en --revision v1.0 > hashtags.jsonl
  tail -f stream.jsonl | right-hf recommend --jsonl --batch-size 1 | jq -r '.recommendations[0].hashtag'
  right-hf recommend --retriever user/fresher-index "A visual guide to the Go memory allocator"
  right-hf recommend --now 2020-05-31T12:00Z "What is everybody talking about"
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from right_hf.cli.options import add_model_options, load_model, moment, positive, probability, write_result

_JSONL = 'lines are JSON objects with "text" and perhaps "id" (taken for granted if FILE ends with .jsonl)'
_NOW = "when the posts are written, for a ranker that knows what is in use: ISO time or seconds (default: now)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("posts", nargs="*", metavar="POST", help="a post; without any, posts are read, one a line")
    add("--input", type=Path, metavar="FILE", help="read posts from a file instead of standard input")
    add("--jsonl", action="store_true", help=_JSONL)
    add("--top-k", type=positive, default=5, metavar="K", help="at most K hashtags a post (default: 5)")
    add("--threshold", type=probability, default=0.0, metavar="P", help="only scores of at least P (default: 0)")
    add("--batch-size", type=positive, metavar="N", help="posts at once (default: 16; 1 on a terminal)")
    add("--now", type=moment, metavar="TIME", help=_NOW)
    add_model_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    if arguments.posts and (arguments.input or arguments.jsonl):
        raise argparse.ArgumentTypeError("give posts as arguments or as --input/--jsonl, not both")
    typed = not arguments.posts and arguments.input is None and sys.stdin.isatty()
    if arguments.input is not None and not arguments.input.is_file():
        raise FileNotFoundError(f"There is no file {arguments.input}. Give a file of posts, one a line.")
    model = load_model(arguments)
    if typed:
        sys.stderr.write("Reading posts from the terminal, one a line; Ctrl-D ends.\n")
    size = arguments.batch_size or (1 if typed else 16)
    with arguments.input.open("rb") if arguments.input else nullcontext(sys.stdin.buffer) as file:
        jsonl = arguments.jsonl or (arguments.input is not None and arguments.input.suffix == ".jsonl")
        records = [{"text": post} for post in arguments.posts] or (read_jsonl(file) if jsonl else read_lines(file))
        for batch in _batches(records, size):
            texts = [record["text"] for record in batch]
            found = model.recommend(texts, arguments.top_k, arguments.threshold, now=arguments.now)
            for record, recommendations in zip(batch, found, strict=True):
                write_result({**record, "recommendations": [asdict(entry) for entry in recommendations]})


def read_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """A record for each line of text; bytes that are no UTF-8 are replaced."""
    for line in lines:
        yield {"text": line.decode("utf-8", errors="replace").rstrip("\r\n")}


def read_jsonl(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """`id` (if there is one) and `text` of each line's JSON object; empty lines are passed over.

    Raises:
        ValueError: A line is no such object; the message names it.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(f"Line {number} of the input is no JSON ({error}). Correct or remove it.") from error
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise ValueError(f'Line {number} of the input has no string under "text": {record!r:.80}')
        yield {name: record[name] for name in ("id", "text") if name in record}


def _batches(records: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    """The records by `size`; those before an unreadable one come out before its error."""
    batch: list[dict[str, Any]] = []
    try:
        for record in records:
            batch.append(record)
            if len(batch) == size:
                yield batch
                batch = []
    except ValueError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
