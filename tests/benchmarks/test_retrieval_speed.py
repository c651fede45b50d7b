"""Speed of BM25 on one core beside bm25s and rank_bm25, on the same posts in the same run.

make benchmark
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import bm25s
import numpy as np
import pytest

from right_hf import BM25Retriever
from right_hf.analysis import english_words
from tests.benchmarks.synthetic import zipf_posts
from tests.benchmarks.told import tell

pytestmark = pytest.mark.benchmark

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "200000"))
K = 10


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_batch_retrieval() -> None:
    posts = zipf_posts(POSTS)
    queries = [post.text for post in zipf_posts(3_000, seed=1)]
    BM25Retriever.from_posts(posts[:100]).search(queries[:1], K)  # compiles the kernel

    start = time.perf_counter()
    retriever = BM25Retriever.from_posts(posts)
    build = time.perf_counter() - start
    rates = {"right_hf": len(queries) / seconds(lambda: retriever.search(queries, K))}
    found = retriever.search(queries[:50], K)
    single = np.median([seconds(lambda query=query: retriever.search([query], K)) for query in queries[:200]])

    tokens = [english_words(post.text) for post in posts]
    for backend, count in (("numba", len(queries)), ("numpy", 60)):
        index = bm25s.BM25(backend=backend)
        index.index(tokens, show_progress=False)
        index.retrieve([english_words(queries[0])], k=K, show_progress=False)
        asked = queries[:count]
        # Every system is timed with the cutting of its queries into terms.
        rates[f"bm25s, {backend}"] = count / seconds(
            lambda index=index, asked=asked: index.retrieve(
                [english_words(query) for query in asked], k=K, show_progress=False
            )
        )
        if backend == "numba":
            _, scores = index.retrieve([english_words(query) for query in queries[:50]], k=K, show_progress=False)
            ours = np.array([[hit.score for hit in hits] for hits in found])
            np.testing.assert_allclose(ours, scores, rtol=1e-4)
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        tell("\nrank_bm25 is not installed; its row was not run.\n")
    else:
        okapi = BM25Okapi(tokens)
        rates["rank_bm25"] = 5 / seconds(
            lambda: [okapi.get_top_n(english_words(query), posts, K) for query in queries[:5]]
        )

    tell(f"\nBM25 over {POSTS:,} posts, one core: built in {build:.1f} s, {1000 * single:.2f} ms a query alone\n")
    for name, rate in rates.items():
        tell(f"  {name:14} {rate:10,.1f} queries/s in batch   {rates['right_hf'] / rate:8.1f} x\n")
