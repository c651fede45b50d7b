r"""One checkpoint, or two side by side: scores on the same posts, size, time to load, speed and memory, in one run.

    python training/compare_checkpoints.py --old OLD --new right_hf/checkpoints/right-en-small \
        --data DATA/tweets-en/test.jsonl --licensed training/showcase/test.jsonl \
        --output training/results/compared-right-en-small.json

Each is loaded in processes of its own, in turn, three times; the best of each figure counts. One core.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fuzzing.found import resident_megabytes

from right_hf import RightModel, read_posts
from right_hf.evaluation import RIGHT, score_calibration, score_checkpoint
from right_hf.persistence import write_json
from right_hf.posts import Post
from right_hf.provenance import provenance

#: Posts whose time is taken, each alone and then in batches.
_TIMED, _BATCH, _RUNS = 400, 16, 3
#: What is better high; of all else the lowest value is the best.
_HIGH = ("posts_per_s",)


def measure(checkpoint: str, posts: Path) -> dict[str, float]:
    """Seconds to load with the first answer, milliseconds of a lone post, posts a second in batches, and megabytes."""
    texts = [post.text for post in read_posts(posts)[:_TIMED]]
    start = time.perf_counter()
    model = RightModel.from_pretrained(checkpoint)
    model.recommend(texts[:1])
    loaded = time.perf_counter()
    model.recommend(texts[:_BATCH])
    alone = time.perf_counter()
    for text in texts[: _TIMED // 2]:
        model.recommend([text])
    batched = time.perf_counter()
    for first in range(0, len(texts), _BATCH):
        model.recommend(texts[first : first + _BATCH])
    end = time.perf_counter()
    return {
        "load_s": loaded - start,
        "alone_ms": 1000 * (batched - alone) / (_TIMED // 2),
        "posts_per_s": len(texts) / (end - batched),
        "memory_mb": resident_megabytes(),
    }


def measured(checkpoints: Sequence[str], posts: Path) -> dict[str, dict[str, float]]:
    """The best figures of each checkpoint, measured in turn."""
    runs: dict[str, list[dict[str, float]]] = {checkpoint: [] for checkpoint in checkpoints}
    one_core = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    for _ in range(_RUNS):
        for checkpoint, found in runs.items():
            command = [sys.executable, __file__, "--measure", checkpoint, "--data", str(posts)]
            done = subprocess.run(command, env=one_core, check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    return {
        checkpoint: {name: round((max if name in _HIGH else min)(run[name] for run in found), 2) for name in found[0]}
        for checkpoint, found in runs.items()
    }


def scored(checkpoint: str, posts: Sequence[Post]) -> dict[str, Any]:
    """F1@1 and F1@5 in percent, and the calibration of the scores."""
    model = RightModel.from_pretrained(checkpoint)
    scores = score_checkpoint(model, posts)[RIGHT]
    return {**{name: scores[name] for name in ("f1@1", "f1@5")}, **score_calibration(model, posts)}


def main() -> None:
    """Reads the command line, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", metavar="CHECKPOINT", help="what it is compared with")
    parser.add_argument("--new", metavar="CHECKPOINT")
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="test posts")
    parser.add_argument("--licensed", type=Path, metavar="FILE", help="others")
    parser.add_argument("--measure", metavar="CHECKPOINT", help="only this one's figures, as JSON")
    parser.add_argument("--output", type=Path, metavar="FILE", help="for the numbers as JSON")
    arguments = parser.parse_args()
    if arguments.measure:
        sys.stdout.write(json.dumps(measure(arguments.measure, arguments.data)) + "\n")
        return
    checkpoints = {name: value for name, value in (("old", arguments.old), ("new", arguments.new)) if value}
    found: dict[str, Any] = {}
    times = measured(list(checkpoints.values()), arguments.data)
    for name, checkpoint in checkpoints.items():
        size = sum(file.stat().st_size for file in Path(checkpoint).rglob("*") if file.is_file())
        found[name] = {"size_mb": round(size / 1e6, 1), **times[checkpoint]}
    for title, file in (("test", arguments.data), ("licensed", arguments.licensed)):
        posts = [post for post in read_posts(file) if post.text] if file else []
        for name, checkpoint in checkpoints.items() if posts else ():
            found[name][title] = {"posts": len(posts), **scored(checkpoint, posts)}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    if arguments.output:
        write_json(arguments.output, {**provenance({}, 0), "checkpoints": found})


if __name__ == "__main__":
    main()
