"""Speed of BM25 on one core beside bm25s and rank_bm25, on the same posts in the same run.

make benchmark (RIGHT_HF_BENCHMARK_POSTS=1000000 for the large corpus)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import bm25s
import numpy as np
import pytest

from right_hf import BM25Retriever
from right_hf.analysis import english_words
from tests.benchmarks.synthetic import zipf_posts
from tests.benchmarks.told import tell

pytestmark = pytest.mark.benchmark

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "200000"))
KS = (10, 50)
QUERIES = 3_000
ROUNDS = 3


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def core_seconds(work: Callable[[], object]) -> float:
    """Processor time of this thread, which others on a busy machine change less than they change the clock."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def rates(searches: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Queries a second of a core, the best of some rounds in which each search has its turn."""
    times = [{name: core_seconds(search) for name, search in searches.items()} for _ in range(ROUNDS)]
    return {name: QUERIES / min(measured[name] for measured in times) for name in searches}


@pytest.mark.timeout(3_600)
def test_batch_retrieval() -> None:
    """Every system is timed with the cutting of its queries into terms; bm25s gives rows, not the posts in them."""
    posts = zipf_posts(POSTS)
    queries = [post.text for post in zipf_posts(QUERIES, seed=1)]
    BM25Retriever.from_posts(posts[:100]).search(queries[:1], KS[0])  # compiles the kernel
    start = time.perf_counter()
    retriever = BM25Retriever.from_posts(posts)
    tell(f"\nBM25 over {POSTS:,} posts, one core (load {os.getloadavg()[0]:.1f}): ")
    tell(f"built in {time.perf_counter() - start:.1f} s, {megabytes(retriever):.0f} MB of arrays\n")

    tokens = [english_words(post.text) for post in posts]
    other = bm25s.BM25(backend="numba")
    other.index(tokens, show_progress=False)

    def bm25s_search(asked: list[str], k: int) -> tuple[Any, Any]:
        found: tuple[Any, Any] = other.retrieve([english_words(query) for query in asked], k=k, show_progress=False)
        return found

    bm25s_search(queries[:1], KS[0])
    for k in KS:
        ours = np.array([[hit.score for hit in hits] for hits in retriever.search(queries[:50], k)])
        np.testing.assert_allclose(ours, bm25s_search(queries[:50], k)[1], rtol=1e-4)
        alone = np.median([1000 * core_seconds(lambda q=q, k=k: retriever.search([q], k)) for q in queries[:200]])
        found = rates(
            {
                "right_hf": lambda k=k: retriever.search(queries, k),
                "right_hf, rows": lambda k=k: retriever._index.best_rows(queries, k),
                "bm25s, numba": lambda k=k: bm25s_search(queries, k),
            }
        )
        tell(f"  k = {k:3}: {alone:.2f} ms a query alone\n")
        for name, rate in found.items():
            tell(f"    {name:14} {rate:10,.1f} queries/s in batch   {rate / found['bm25s, numba']:8.2f} of bm25s\n")
    okapi_rate(tokens, queries[:5])


def megabytes(retriever: BM25Retriever) -> float:
    """Size of the arrays that are searched: terms by post and by term, and what bounds are formed from."""
    arrays = [array for part in retriever._index.postings for array in (*part.counts, *part[1:])]
    return sum(array.nbytes for array in arrays) / 1e6


def okapi_rate(tokens: list[list[str]], queries: list[str]) -> None:
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        tell("  rank_bm25 is not installed; its row was not run.\n")
        return
    okapi, numbers = BM25Okapi(tokens), list(range(len(tokens)))
    own = core_seconds(lambda: [okapi.get_top_n(english_words(query), numbers, KS[0]) for query in queries])
    tell(f"  rank_bm25, k = {KS[0]}: {len(queries) / own:.1f} queries/s\n")
