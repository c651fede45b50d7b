"""Compares a corpus in a Lance table with the same in memory: first ten hits, and F1 of RIGHT with either.

python training/compare_stores.py --data DATA --output training/results/stores.json

DATA has training posts, which are indexed, and test posts, which are searched for. RIGHT is the package's checkpoint
with either retriever in the place of its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, Corpus, Post, RightModel, progress_bars
from right_hf.data import load_split
from right_hf.evaluation import RIGHT, right_answers, run_right, score_answers
from right_hf.persistence import write_json
from right_hf.progress import batches
from right_hf.provenance import provenance
from right_hf.retriever import Hit, LanceRetriever, Retriever

_FIRST = 10
#: Scores are sums of float32; closer ones are equal but for the order in which they were added.
_ROUNDING = 1e-5


def agreement(memory: Retriever, table: Retriever, posts: Sequence[Post]) -> dict[str, Any]:
    """How many of the first hits in memory the table finds, and of how many the difference is more than rounding."""
    hits = common = alike = missed = exact = 0
    for some in batches(posts, 256, "searching"):
        texts = [post.text for post in some]
        for ours, theirs in zip(memory.search(texts, _FIRST), table.search(texts, _FIRST), strict=True):
            scores = {hit.post.id: hit.score for hit in theirs}
            last = min(scores.values(), default=0.0)
            found = [hit for hit in ours if hit.post.id in scores]
            hits, common = hits + len(ours), common + len(found)
            exact += sum(scores[hit.post.id] == hit.score for hit in found)
            missed += sum(_is_missed(hit, last) for hit in ours if hit.post.id not in scores)
            alike += ours == theirs
    return {
        "posts": len(posts),
        "hits": hits,
        "found": common,
        "equal_scores": exact,
        "missed_by_more_than_rounding": missed,
        "posts_with_equal_hits": alike,
    }


def _is_missed(hit: Hit, last: float) -> bool:
    return hit.score - last > _ROUNDING * hit.score


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, metavar="DATA", help="a data set")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N test posts only")
    parser.add_argument("--output", type=Path, metavar="FILE", help="save the results there")
    arguments = parser.parse_args()
    posts = [post for post in load_split(arguments.data, "test") if post.text][: arguments.limit]
    corpus = Corpus(load_split(arguments.data, "train"))
    memory = BM25Retriever(corpus)
    with tempfile.TemporaryDirectory() as home:
        table = LanceRetriever.from_posts(corpus, Path(home) / "table")
        found: dict[str, Any] = {"corpus": len(corpus), "agreement": agreement(memory, table, posts), "right": {}}
        model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
        for retriever in (memory, table):
            model.retriever = retriever
            answers = right_answers(model, run_right(model, posts))[RIGHT]
            found["right"][retriever.type] = score_answers(answers, posts, model.config.language)
            print(retriever.type, found["right"][retriever.type], flush=True)
    print(found["agreement"])
    if arguments.output:
        write_json(arguments.output, {**provenance({"data": arguments.data.name, "limit": arguments.limit}), **found})


if __name__ == "__main__":
    progress_bars(True)
    main()
