r"""Where a generator pays: F1 and speed by how often it is asked.

    python training/generate_when.py --data DATA [--split validation] [--licenses MIT CC-BY-4.0] \
        [--checkpoint CHECKPOINT] [--engine ctranslate2] --output training/results/generate-when

A post goes to the generator where its best score without it is at most a threshold (`generate_when`). The thresholds
are 0 (never), those at which a quarter, a half and three quarters of the posts are asked, and 1 (always). Choose one on
validation posts. Writes OUTPUT.json and the table OUTPUT.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from right_hf import DEFAULT_CHECKPOINT, Post, RightModel
from right_hf.data import load_split
from right_hf.metrics.hashtag_f1 import f1_per_post
from right_hf.persistence import write_json, write_text
from right_hf.progress import batches
from right_hf.provenance import provenance

_BATCH = 16
_SHARES = (0.25, 0.5, 0.75)
_COLUMNS = ("generate_when", "posts asked", "F1@1", "F1@5", "posts/s")


def row(model: RightModel, posts: Sequence[Post], when: float, shares: Sequence[float]) -> dict[str, Any]:
    """Scores and speed at one threshold, in batches of 16 on one thread.

    Args:
        model: With a generator.
        posts: With gold hashtags in the corpus' forms.
        when: The threshold.
        shares: The best score of each post without the generator.
    """
    start, rankings, form = time.perf_counter(), [], model.retriever.corpus.form
    for batch in batches(posts, _BATCH, f"generate_when={when:.3f}"):
        found = model.recommend([post.text for post in batch], generate_when=when, style="words")
        rankings += [[form(one.hashtag) for one in answer] for answer in found]
    speed = len(posts) / (time.perf_counter() - start)
    gold = [post.hashtags for post in posts]
    f1 = [100 * f1_per_post(rankings, gold, k).score() for k in (1, 5)]
    asked = 0.0 if when == 0 else float(np.mean(np.asarray(shares) <= when))
    return dict(zip(_COLUMNS, (when, asked, *f1, speed), strict=True))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows in Markdown."""
    lines = [f"| {' | '.join(_COLUMNS)} |", "|" + "---:|" * len(_COLUMNS)]
    lines += [
        f"| {one['generate_when']:.3f} | {one['posts asked']:.0%} | {one['F1@1']:.2f} | {one['F1@5']:.2f} | "
        f"{one['posts/s']:.0f} |"
        for one in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures each threshold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="posts with gold hashtags")
    parser.add_argument("--split", default="validation", help="default: validation")
    parser.add_argument("--licenses", nargs="+", metavar="SPDX", help="only posts under one of these licences")
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT, help="default: the one of the package")
    parser.add_argument("--generator", help="in the place of the checkpoint's")
    parser.add_argument("--engine", help="that runs the generator")
    parser.add_argument("--output", type=Path, required=True, help="without suffix")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    asked = {"engine": arguments.engine, "generator": arguments.generator}
    options = {name: value for name, value in asked.items() if value is not None}
    model = RightModel.from_pretrained(arguments.checkpoint, **options)
    form = model.retriever.corpus.form
    posts = [
        replace(post, hashtags=tuple(dict.fromkeys(map(form, post.hashtags))))
        for post in load_split(arguments.data, arguments.split, arguments.licenses)
        if post.text
    ]
    alone = [
        max((one.score for one in found), default=0.0)
        for batch in batches(posts, _BATCH, "without generator")
        for found in model.recommend([post.text for post in batch], generate_when=0)
    ]
    model.recommend([post.text for post in posts[:_BATCH]], generate_when=1)  # loads and converts
    whens = [0.0, *(float(np.quantile(alone, share)) for share in _SHARES), 1.0]
    rows = [row(model, posts, when, alone) for when in whens]
    origin = provenance({"split": arguments.split, "licenses": arguments.licenses, "engine": arguments.engine})
    write_json(arguments.output.with_suffix(".json"), {**origin, "posts": len(posts), "rows": rows})
    text = f"{len(posts)} posts of {arguments.split}, batches of {_BATCH}, one thread:\n\n{table(rows)}"
    write_text(arguments.output.with_suffix(".md"), text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
