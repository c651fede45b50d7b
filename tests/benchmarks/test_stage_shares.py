"""The share of each stage in what a post costs, with the checkpoint of the package, on one thread.

make benchmark
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import right_hf.recommender
from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.ranker.choose import Choice
from right_hf.reading import Reader
from tests.benchmarks.told import tell
from tests.support.paths import ROOT

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

_TEXTS = [post.text for post in read_posts(ROOT / "training" / "showcase" / "test.jsonl")]
_ROUNDS = 3


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class _Clock:
    """Seconds of each stage, without those of stages that it calls."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.spent: dict[str, float] = {}
        self._inner = [0.0]
        self._monkeypatch = monkeypatch

    def watch(self, owner: Any, method: str, stage: str) -> None:
        call = getattr(owner, method)

        def measured(*arguments: Any, **options: Any) -> Any:
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                whole = time.perf_counter() - start
                self.spent[stage] = self.spent.get(stage, 0.0) + whole - self._inner.pop()
                self._inner[-1] += whole

        self._monkeypatch.setattr(owner, method, measured)


@pytest.mark.parametrize("generate_when", [0.0, 1.0])
@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_share_of_each_stage(batch_size: int, generate_when: float, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = ROOT / "training" / "showcase" / "seq2seq"
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=generator)
    pooler: Any = model._stages._pooler
    clock, ranker = _Clock(monkeypatch), type(model.ranker)
    parts = [
        (Reader, "read", "read"),
        (Reader, "says_something", "read"),
        (model.retriever, "search_parts", "retrieve"),
    ]
    parts += [(model.selector, name, "select") for name in ("embed", "rank", "nearest", "cosines")]
    parts += [(pooler, "pools", "pool"), (pooler, "features", "features"), (ranker, "scores", "rank")]
    parts += [(right_hf.recommender, "fuse", "choose"), (Choice, "choose", "choose")]
    if generate_when:
        parts.append((model.generator, "generate", "generate"))
    batches = [_TEXTS[at : at + batch_size] for at in range(0, 10 * batch_size, batch_size)]
    model.recommend(batches[0], generate_when=generate_when)
    for owner, method, stage in parts:
        clock.watch(owner, method, stage)
    best: tuple[float, dict[str, float]] | None = None
    for _ in range(_ROUNDS):
        clock.spent.clear()
        start = time.perf_counter()
        for batch in batches:
            model.recommend(batch, generate_when=generate_when)
        total = time.perf_counter() - start
        if best is None or total < best[0]:
            best = total, {**clock.spent, "the rest": total - sum(clock.spent.values())}
    assert best is not None
    total, spent = best
    posts = len(batches) * batch_size
    asked = "the generator asked for all" if generate_when else "no generator"
    tell(f"\nbatch {batch_size}, {asked}: {1000 * total / posts:.2f} ms a post\n")
    for stage, seconds in spent.items():
        tell(f"  {stage:10} {1000 * seconds / posts:8.3f} ms {seconds / total:6.1%}\n")
        assert stage == "generate" or seconds < 0.6 * total  # 0.4 on a quiet machine
