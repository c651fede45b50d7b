"""What retriever and selector cost beside the generator, with the checkpoint of the package.

make benchmark
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from tests.benchmarks.told import tell

pytestmark = pytest.mark.benchmark

_POSTS = Path(__file__).parents[2] / "training" / "showcase" / "test.jsonl"


@pytest.mark.parametrize("batch_size", [1, 16])
def test_share_of_retriever_and_selector(batch_size: int) -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    texts = [post.text for post in read_posts(_POSTS)][: 20 * batch_size]
    batches = [texts[i : i + batch_size] for i in range(0, len(texts), batch_size)]
    model.trace(batches[0])
    spent = {"retriever": 0.0, "selector": 0.0, "generator alone": 0.0, "generator and scoring": 0.0}
    for batch in batches:
        start = time.perf_counter()
        hits = model.retriever.search(batch, model.config.hits)
        retrieved = time.perf_counter()
        ranked = [candidates[: model.config.pool_hashtags] for candidates in model.selector.rank(batch, hits)]
        selected = time.perf_counter()
        pools = [[candidate.hashtag for candidate in candidates] for candidates in ranked]
        contexts = [pool[: model.config.context_hashtags] for pool in pools]
        nothing: list[list[str]] = [[] for _ in batch]
        before = time.perf_counter()
        model.generator.generate(batch, contexts, nothing)
        generated = time.perf_counter()
        model.generator.generate(batch, contexts, pools)
        scored = time.perf_counter()
        spent["retriever"] += retrieved - start
        spent["selector"] += selected - retrieved
        spent["generator alone"] += generated - before
        spent["generator and scoring"] += scored - generated
    share = (spent["retriever"] + spent["selector"]) / spent["generator alone"]
    tell(f"\nbatch {batch_size}: retriever and selector take {share:.1%} of the generator's time\n")
    for stage, total in spent.items():
        tell(f"  {stage:22} {1000 * total / len(texts):8.2f} ms a post\n")
