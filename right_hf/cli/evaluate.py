"""`right-hf evaluate`: a checkpoint's scores on a split."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from right_hf.cli.options import add_command, add_model_options, load_model, positive
from right_hf.cli.output import write_result

_DESCRIPTION = """\
Scores a checkpoint on posts with gold hashtags, beside its parts and BM25 alone: micro F1@1 and F1@5
(precision over K x posts) and ROUGE as the package `rouge` defines it, in percent.

Writes one line of JSON with the scores of each system, and what to run again to get them: command,
configuration, seed, commit, versions. --output saves the same, for right-hf card."""
_EXAMPLES = """\
  right-hf evaluate --data test.jsonl
  right-hf evaluate --model my-checkpoint --data test.jsonl --output results.json
  right-hf evaluate --model user/right-en --data test.jsonl | jq '.results["RIGHT, fused"]["f1@1"]'
  right-hf evaluate --data test.jsonl --seq2seq runs/en/seq2seq --beams 5 --table
"""


def add_to(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "evaluate", "score a checkpoint on a split", _DESCRIPTION, _EXAMPLES)
    parser.add_argument(
        "--data", required=True, metavar="DATA", help="posts with gold hashtags: a file, a folder of splits, a data set"
    )
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"), help="default: test")
    parser.add_argument("--licenses", nargs="+", metavar="SPDX", help="only posts under one of these licences")
    parser.add_argument("--seq2seq", type=Path, metavar="FOLDER", help="also score this generator without retrieval")
    parser.add_argument(
        "--beams", type=positive, default=1, metavar="N", help="also score its N best answers (default: 1)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="save the results there")
    parser.add_argument("--table", action="store_true", help="print a Markdown table instead of JSON")
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.data import load_split
    from right_hf.evaluation import markdown_table, score_checkpoint
    from right_hf.generator import Seq2SeqGenerator
    from right_hf.persistence import read_json, write_json
    from right_hf.provenance import provenance

    posts = [post for post in load_split(arguments.data, arguments.split, arguments.licenses) if post.text]
    if not posts:
        raise ValueError(f"No post of {arguments.data} has readable text.")
    model = load_model(arguments)
    seq2seq = Seq2SeqGenerator.from_pretrained(arguments.seq2seq) if arguments.seq2seq else None
    scores = score_checkpoint(model, posts, seq2seq, arguments.beams)
    training = json.loads(model.records.get("training.json", "{}"))
    origin = provenance(training.get("config", {}), training.get("seed"))
    arms = {"RIGHT": training.get("generator", {})}
    if arguments.seq2seq and (arguments.seq2seq / "training.json").is_file():
        arms["Seq2Seq"] = read_json(arguments.seq2seq / "training.json")
    runs = {name: {key: arm.get(key) for key in ("commit", "seed", "steps", "posts")} for name, arm in arms.items()}
    results = {**origin, "posts": len(posts), "runs": runs, "results": scores}
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.output, results)
    if arguments.table:
        sys.stdout.write(f"{len(posts)} posts, scores in percent\n\n{markdown_table(scores)}\n")
    else:
        write_result(results)
