r"""Evaluates a checkpoint on a split beside BM25 alone and, if one is given, a generator without retrieval (Seq2Seq).

    python training/evaluate_checkpoint.py --checkpoint runs/tweets-en/checkpoint --data DATA \
        --seq2seq runs/tweets-en/seq2seq --output runs/tweets-en/results.json

Prints the table and saves it with seed, configuration, commit and versions. Without --checkpoint the one that comes
with the package is evaluated. DATA is any source that right_hf.data loads, or a single file of posts. --licenses MIT
CC-BY-4.0 keeps only posts under these licences.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from right_hf import DEFAULT_CHECKPOINT, Post, RightModel, Seq2SeqGenerator
from right_hf.data import SPLITS, load_split
from right_hf.evaluation import (
    BM25,
    SEQ2SEQ,
    Answer,
    markdown_table,
    right_answers,
    run_generator,
    run_retriever,
    run_right,
    score_answers,
)
from right_hf.persistence import read_json, write_json
from right_hf.provenance import provenance


def evaluate(
    model: RightModel, posts: list[Post], seq2seq: Seq2SeqGenerator | None, beams: int = 1
) -> dict[str, dict[str, float]]:
    """Scores of every system on `posts` (none without text), in percent.

    With `beams` > 1 there is a row for the hashtags of the Seq2Seq's so many best answers, as many as RIGHT ranks.
    """
    systems = {BM25: run_retriever(model.retriever, posts, model.config.hits)}
    if seq2seq is not None:
        systems[SEQ2SEQ] = run_generator(seq2seq, posts)
        if beams > 1:
            n_best = run_generator(seq2seq, posts, num_beams=beams, num_return_sequences=beams)
            systems[f"{SEQ2SEQ}, {beams} beams"] = [Answer(best.ranking, best.ranking[:1]) for best in n_best]
    systems |= right_answers(model, run_right(model, posts))
    return {name: score_answers(answers, posts, model.config.language) for name, answers in systems.items()}


def main() -> None:
    """Reads the command line, evaluates, prints and saves the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT)
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--licenses", nargs="+")
    parser.add_argument("--seq2seq", type=Path)
    parser.add_argument("--beams", type=int, default=1, help="also score the Seq2Seq's so many best answers")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()

    model = RightModel.from_pretrained(arguments.checkpoint)
    posts = [post for post in load_split(arguments.data, arguments.split, arguments.licenses) if post.text]
    seq2seq = Seq2SeqGenerator.from_pretrained(arguments.seq2seq) if arguments.seq2seq else None
    results = evaluate(model, posts, seq2seq, arguments.beams)
    sys.stdout.write(f"{len(posts)} posts, scores in percent\n\n{markdown_table(results)}\n")
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        training = json.loads(model.records.get("training.json", "{}"))
        origin = provenance(training.get("config", {}), training.get("seed"))
        arms = {"RIGHT": training.get("generator", {})}
        if arguments.seq2seq and (arguments.seq2seq / "training.json").is_file():
            arms["Seq2Seq"] = read_json(arguments.seq2seq / "training.json")
        runs = {name: {key: arm.get(key) for key in ("commit", "seed", "steps", "posts")} for name, arm in arms.items()}
        write_json(arguments.output, {**origin, "posts": len(posts), "runs": runs, "results": results})


if __name__ == "__main__":
    main()
