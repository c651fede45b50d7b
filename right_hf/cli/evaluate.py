"""`right-hf evaluate`: score a checkpoint on a split.

Scores a checkpoint on posts with gold hashtags, beside its parts alone: micro F1@1 and F1@5
(precision over K x posts) and ROUGE as the package `rouge` defines it, in percent.

Writes one line of JSON with the scores of each system, and what to run again to get them: command,
configuration, seed, commit, versions. --output saves the same, for right-hf card.

Examples:
  right-hf evaluate --data test.jsonl
  right-hf evaluate --model my-checkpoint --data test.jsonl --output results.json
  right-hf evaluate --model user/right-en --data test.jsonl | jq '.results["RIGHT, fused"]["f1@1"]'
  right-hf evaluate --data test.jsonl --workers 8
  right-hf evaluate --data test.jsonl --seq2seq runs/en/seq2seq --beams 5 --table
"""

from __future__ import annotations

import argparse
import json
import sys

from right_hf.cli.engines import add_engine_options, chosen_engine
from right_hf.cli.options import (
    DATA_HELP,
    SPLITS,
    add_data_options,
    add_model_options,
    as_json,
    as_path,
    data_options,
    named_checkpoint,
    positive,
    write_result,
)
from right_hf.layout import TRAINING_FILE


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("--data", required=True, metavar="DATA", help=f"{DATA_HELP}, with gold hashtags")
    add("--split", default="test", choices=SPLITS, help="default: test")
    add("--seq2seq", type=as_path, metavar="FOLDER", help="also score this generator without retrieval")
    add("--beams", type=positive, default=1, metavar="N", help="also score its N best answers (default: 1)")
    add("--output", type=as_path, metavar="FILE", help="save the results there")
    add("--table", action="store_true", help="print a Markdown table instead of JSON")
    add_engine_options(parser)
    add_model_options(parser)
    add_data_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    engine = chosen_engine(arguments)
    from right_hf.bulk.evaluating import Evaluator, evaluate
    from right_hf.data import load_split
    from right_hf.evaluation import SEQ2SEQ, markdown_table
    from right_hf.persistence import read_json, write_json
    from right_hf.provenance import provenance

    posts = load_split(arguments.data, arguments.split, arguments.licenses, data_options(arguments))
    if not (posts := [post for post in posts if post.text]):
        raise ValueError(f"No post of {arguments.data} has readable text.")
    evaluator = Evaluator(
        named_checkpoint(arguments), arguments.seq2seq and arguments.seq2seq.resolve(), arguments.beams
    )
    scores, calibration = evaluate(evaluator, posts, engine)
    model = evaluator.checkpoint.model
    training = json.loads(model.records.get(TRAINING_FILE, "{}"))
    origin = provenance(training.get("config", {}), training.get("seed"))
    arms = {"RIGHT": training.get("generator", {})}
    if arguments.seq2seq and (record := arguments.seq2seq / TRAINING_FILE).is_file():
        arms[SEQ2SEQ] = read_json(record)
    runs = {name: {key: arm.get(key) for key in ("commit", "seed", "steps", "posts")} for name, arm in arms.items()}
    # As it is printed: with a command line that can be written as UTF-8.
    results = json.loads(as_json({**origin, "posts": len(posts), "runs": runs, "results": scores, **calibration}))
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.output, results)
    if arguments.table:
        sys.stdout.write(f"{len(posts)} posts, scores in percent\n\n{markdown_table(scores)}\n")
    else:
        write_result(results)
