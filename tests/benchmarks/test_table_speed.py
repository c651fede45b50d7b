"""A corpus in a table beside an index in memory: building, size, searching, and from post to suggestible.

make benchmark, or RIGHT_HF_BENCHMARK_POSTS=2000000 pytest -m benchmark tests/benchmarks/test_table_speed.py -s
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from right_hf import Post
from tests.benchmarks.apart import apart, forget_peak, peak, resident
from tests.benchmarks.synthetic import zipf_posts, zipf_stream
from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "200000"))
STORES = ("bm25", "lance")
CHANGES = 100
#: Queries that are made before any is measured, so that what is asked of all of them is in memory.
WARM, QUERIES = 200, 500


def build(store: str, posts: int, folder: str) -> list[float]:
    """Seconds, bytes on disk, and the highest memory beyond that of the process before."""
    from right_hf import BM25Retriever
    from right_hf.progress import progress_bars
    from right_hf.retriever import LanceRetriever

    progress_bars(False)
    before, start = resident(), time.perf_counter()
    forget_peak()
    if store == "lance":
        LanceRetriever.from_posts(zipf_stream(posts), folder)
    else:
        BM25Retriever.from_posts(zipf_stream(posts)).save_pretrained(folder)
    size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return [time.perf_counter() - start, size / 1e6, peak() - before]


def opened(store: str, folder: str) -> Any:
    """The index, opened for changes."""
    from right_hf import BM25Retriever
    from right_hf.retriever import LanceRetriever

    return (LanceRetriever if store == "lance" else BM25Retriever).open(folder)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def measure(store: str, folder: str) -> dict[str, Any]:
    """What an index that lies in a folder does."""
    from right_hf import BM25Retriever

    if store == "bm25":
        BM25Retriever.from_posts(zipf_posts(100)).search(["w1"], 10)  # compiles the kernel
    queries = [post.text for post in islice(zipf_posts(WARM + QUERIES, seed=1), WARM + QUERIES)]
    found: dict[str, Any] = {"process": resident()}
    start = time.perf_counter()
    retriever = opened(store, folder)
    found["opening"] = time.perf_counter() - start
    found["cold"] = [milliseconds(lambda query=query: retriever.search([query], 10)) for query in queries[:WARM]]
    for k in (10, 50):
        found[f"{k}"] = [
            milliseconds(lambda query=query, k=k: retriever.search([query], k)) for query in queries[WARM:]
        ]
        start = time.perf_counter()
        retriever.search(queries[WARM:], k)
        found[f"rate {k}"] = QUERIES / (time.perf_counter() - start)
    found["first"] = [[hit.post.id for hit in hits] for hits in retriever.search(queries[WARM:], 10)]
    found["memory"] = resident()
    new = [
        Post(f"n{row}", f"fresh{row} {post.text}", post.hashtags)
        for row, post in enumerate(zipf_posts(CHANGES, seed=2))
    ]

    def suggestible(post: Post) -> None:
        retriever.add([post])
        assert retriever.search([post.text.split()[0]], 1)[0][0].post.id == post.id

    found["suggestible"] = [milliseconds(lambda post=post: suggestible(post)) for post in new]
    found["gone"] = [milliseconds(lambda post=post: retriever.remove([post.id])) for post in new]
    found["peak"] = peak()
    retriever.close()
    return found


def say(name: str, values: dict[str, str]) -> None:
    tell(f"  {name:46}" + "".join(f"{values[store]:>24}" for store in STORES) + "\n")


def test_a_table_beside_an_index_in_memory(tmp_path: Path) -> None:
    """Each built and measured in processes of its own, one after the other."""
    built = {store: apart(__name__, "build", store, POSTS, str(tmp_path / store)) for store in STORES}
    found = {store: apart(__name__, "measure", store, str(tmp_path / store)) for store in STORES}

    def told(name: str, form: Callable[[Any], str]) -> dict[str, str]:
        return {store: form(found[store][name]) for store in STORES}

    def spread(times: list[float]) -> str:
        return ", ".join(f"{np.percentile(times, q):.1f}" for q in (50, 95))

    tell(f"\n{POSTS:,} made-up posts, {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f}):\n")
    say("", {store: store for store in STORES})
    say("built and saved, s", {store: f"{built[store][0]:.1f}" for store in STORES})
    say("on disk, MB", {store: f"{built[store][1]:.0f}" for store in STORES})
    say("memory that building takes at most, MB", {store: f"{built[store][2]:.0f}" for store in STORES})
    say("opened, s", told("opening", lambda seconds: f"{seconds:.2f}"))
    say("resident: process before, MB", told("process", lambda size: f"{size:.0f}"))
    say("resident after all queries, MB", told("memory", lambda size: f"{size:.0f}"))
    say("the highest, after changes, MB", told("peak", lambda size: f"{size:.0f}"))
    say(f"the first {WARM} queries, 10 hits, ms: median, 95 %", told("cold", spread))
    for k in (10, 50):
        say(f"a lone query, {k} hits, ms: median, 95 %", told(f"{k}", spread))
        say(f"queries/s together, {k} hits", told(f"rate {k}", lambda rate: f"{rate:.0f}"))
    say("post to suggestible, ms: median, 95 %", told("suggestible", spread))
    say("removed, ms: median, 95 %", told("gone", spread))
    pairs = list(zip(*(found[store]["first"] for store in STORES), strict=True))
    share = sum(len({*a} & {*b}) for a, b in pairs) / sum(len(a) for a, _ in pairs)
    tell(
        f"  first ten hits that both find: {100 * share:.2f} %; in the same order: {sum(a == b for a, b in pairs)} of "
    )
    tell(f"{len(pairs)} queries\n")
    assert share > 0.99
