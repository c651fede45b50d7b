r"""Sends posts that nobody would write through every way in: what goes wrong, how long it takes, in how much memory.

    python training/fuzz.py --posts 20000 --seed 0 [--data FILE.jsonl] [--output FILE.json]

They are made of all blocks of Unicode, of real posts cut anywhere and mutated, and some are as long as a post can be;
the real ones are those of --data, else of the corpus that comes with the package. All go through `recommend`, the text
side, `add` of an opened index and the command line; --parts names some of these. The exit code is 1 where anything
went wrong.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from fuzzing.changes import change_all
from fuzzing.command_line import run_all
from fuzzing.found import Faults
from fuzzing.posts import longest_posts, posts
from fuzzing.recommending import recommend_all
from fuzzing.text_side import TextSide
from transformers.utils import logging as transformers_logging

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, RightModel, progress_bars, read_posts
from right_hf.persistence import write_json
from right_hf.provenance import provenance

PARTS = ("text", "add", "recommend", "command")


def fuzz(count: int, seed: int, real: list[str], parts: list[str]) -> dict[str, Any]:
    """Sends `count` posts through each of some parts; what each found, and all faults.

    Args:
        count: How many posts.
        seed: Of what is drawn.
        real: Posts that people wrote.
        parts: Of [`PARTS`].
    """
    faults = Faults()

    def text() -> dict[str, Any]:
        side = TextSide(BM25Retriever.from_pretrained(Path(DEFAULT_CHECKPOINT, "retriever")), faults)
        side.measure(chain(longest_posts(seed, real), posts(count, seed, real)))
        return side.as_dict()

    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "text": text,
        "add": lambda: change_all(posts(count, seed, real), seed, faults),
        "recommend": lambda: recommend_all(
            RightModel.from_pretrained(DEFAULT_CHECKPOINT), posts(count, seed, real), faults
        ),
        "command": lambda: run_all(posts(count, seed, real), seed, faults),
    }
    return {**{part: ways[part]() for part in parts}, "faults": faults.as_dict()}


def table(report: dict[str, Any]) -> str:
    """A report to be read."""
    lines: list[str] = []
    if text := report.get("text"):
        lines += [f"text side, worst of {text['posts']} posts in ms of the processor, {text['over_50_ms']} over 50 ms:"]
        lines += [f"  {stage:16} {worst:8.1f}" for stage, worst in text["worst"].items()]
    lines += [f"{part}: {json.dumps(report[part])}" for part in PARTS[1:] if part in report]
    lines += [f"fault, {number} times: {kind}" for kind, number in report["faults"]["counts"].items()]
    return "\n".join(lines or ["nothing was run"]) + "\n"


def real_posts(data: Path | None) -> list[str]:
    """The texts of a file of posts, or of the corpus that comes with the package."""
    if data is not None:
        return [post.text for post in read_posts(data) if post.text]
    return [post.text for post in BM25Retriever.from_pretrained(Path(DEFAULT_CHECKPOINT, "retriever")).corpus]


def main() -> int:
    """Reads the command line, runs, prints and saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=2_000, help="default: 2000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="a .jsonl file of real posts")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path, help="write the report there as JSON too")
    arguments = parser.parse_args()
    transformers_logging.set_verbosity_error()
    logging.getLogger("right_hf").setLevel(logging.ERROR)
    progress_bars(False)
    torch.set_num_threads(1)

    report = fuzz(arguments.posts, arguments.seed, real_posts(arguments.data), arguments.parts)
    sys.stdout.write(table(report))
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        config = {"posts": arguments.posts, "parts": arguments.parts, "data": str(arguments.data or "embedded corpus")}
        write_json(arguments.output, {**provenance(config, arguments.seed), **report})
    return 1 if report["faults"]["counts"] else 0


if __name__ == "__main__":
    sys.exit(main())
