"""What a post costs, on one core, with the checkpoint of the package: the whole pipeline, and the share of each stage.

make benchmark
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import pipeline

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.ranker import fuse
from tests.benchmarks.told import tell
from tests.support.paths import ROOT

pytestmark = pytest.mark.benchmark

_TEXTS = [post.text for post in read_posts(ROOT / "training" / "showcase" / "test.jsonl")]
_STAGES = ("retrieve", "select", "pool", "generate", "features", "rank")


@pytest.fixture(autouse=True)
def _one_core() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_lone_post_and_a_batch() -> None:
    tell("\nthe pipeline, one core: a lone post (median; 95 %), posts/s at batch 16\n")
    for name, options in (("embedded checkpoint", {}), ("generate_when=1", {"generate_when": 1.0})):
        model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, **options)  # type: ignore[arg-type]
        pipe: Any = pipeline("hashtag-recommendation", model=model, device="cpu")  # type: ignore[call-overload]
        pipe(_TEXTS[:16], batch_size=16)
        spent = []
        for text in _TEXTS[:100]:
            start = time.perf_counter()
            pipe(text)
            spent.append(1000 * (time.perf_counter() - start))
        start = time.perf_counter()
        pipe(_TEXTS[:320], batch_size=16)
        speed = 320 / (time.perf_counter() - start)
        most = statistics.quantiles(spent, n=20)[-1]
        tell(f"  {name:20} {statistics.median(spent):6.1f} ms; {most:6.1f} ms {speed:8.1f} posts/s\n")


@pytest.mark.parametrize("batch_size", [1, 16])
def test_share_of_each_stage(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generate_when=1.0)
    stages, ranker = model._stages, model.ranker
    assert model.generator is not None and ranker is not None
    pooler: Any = stages._pooler
    spent = dict.fromkeys(_STAGES, 0.0)

    def timed(owner: Any, method: str, stage: str) -> None:
        call = getattr(owner, method)

        def measured(*arguments: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                spent[stage] += time.perf_counter() - start

        monkeypatch.setattr(owner, method, measured)

    parts = [(model.retriever, "search_parts"), (model.selector, "rank"), (pooler, "pools")]
    parts += [(model.generator, "generate"), (pooler, "features"), (ranker, "scores")]
    texts = _TEXTS[: 20 * batch_size]
    model.trace(texts[:batch_size])
    for (owner, method), stage in zip(parts, _STAGES, strict=True):
        timed(owner, method, stage)
    for start in range(0, len(texts), batch_size):
        for trace in model.trace(texts[start : start + batch_size]):
            fuse(trace, ranker)
    total = sum(spent.values())
    tell(f"\nbatch {batch_size}: each stage of {1000 * total / len(texts):.1f} ms a post\n")
    for stage, seconds in spent.items():
        tell(f"  {stage:10} {1000 * seconds / len(texts):8.2f} ms {seconds / total:6.1%}\n")
    assert total > 0
