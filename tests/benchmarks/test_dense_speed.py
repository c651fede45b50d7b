"""The dense retriever's quantised index beside the exact one, on the same made-up vectors in the same run.

make benchmark
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from right_hf.encoders import unit_rows
from right_hf.retriever.vectors import INDEXES
from tests.benchmarks.told import tell

pytestmark = pytest.mark.benchmark

VECTORS = int(os.environ.get("RIGHT_HF_BENCHMARK_VECTORS", "200000"))
DIMENSIONS = 384
K = 10


def test_quantised_beside_exact() -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((1000, DIMENSIONS)).astype(np.float32)

    def draw(count: int) -> np.ndarray:
        noise = rng.standard_normal((count, DIMENSIONS), dtype=np.float32)
        return unit_rows(centres[rng.integers(0, len(centres), count)] + noise).astype(np.float16)

    corpus, queries = draw(VECTORS), draw(300).astype(np.float32)
    found: dict[str, np.ndarray] = {}
    single: dict[str, float] = {}
    lines: list[str] = []
    for name, make in INDEXES.items():
        start = time.perf_counter()
        index = make(corpus)
        build = time.perf_counter() - start
        index.search(queries[:1], K, [[]])  # compiles the kernel
        start = time.perf_counter()
        found[name], _, _ = index.search(queries, K, [[]] * len(queries))
        batch = len(queries) / (time.perf_counter() - start)
        spent = []
        for at in range(30):
            start = time.perf_counter()
            index.search(queries[at : at + 1], K, [[]])
            spent.append(time.perf_counter() - start)
        single[name] = float(np.median(spent))
        lines.append(
            f"  {name:6} built in {build:4.1f} s, {1000 * single[name]:6.1f} ms a query alone, "
            f"{batch:7.1f} queries/s in batch"
        )
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(found["exact"], found["sq8"], strict=True)])
    tell(f"\nDense search among {VECTORS:,} vectors of {DIMENSIONS} numbers\n" + "\n".join(lines))
    ratio = single["exact"] / single["sq8"]
    tell(f"\n  sq8 answers a lone query {ratio:.1f} x as fast and finds {recall:.1%} of the ten\n")
    assert recall > 0.98
