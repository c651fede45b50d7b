"""A corpus that changes while it serves: from post to suggestible, and searching meanwhile, beside indexing anew.

make benchmark (RIGHT_HF_BENCHMARK_POSTS=1000000 for the large corpus)
"""

from __future__ import annotations

import importlib.util
import math
import os
import resource
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from right_hf import BM25Retriever, Post
from tests.benchmarks.synthetic import zipf_posts
from tests.benchmarks.test_retrieval_speed import one_core  # noqa: F401
from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "200000"))
CHANGES = 300
SECONDS = 5
#: Changes a second of a steady feed: 50 posts come and 50 go, over four million a day.
FEED = 100
K = 10


# The index is built in another process, so that what building leaves behind is not taken for the index's memory.
BUILD = """
    import resource, sys, time
    from right_hf import BM25Retriever
    from tests.benchmarks.synthetic import zipf_posts

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    posts = zipf_posts(int(sys.argv[1]))
    before, start = peak(), time.perf_counter()
    retriever = BM25Retriever.from_posts(posts)
    built = time.perf_counter()
    retriever.save_pretrained(sys.argv[2])
    print(f"{built - start:.1f} {time.perf_counter() - built:.1f} {peak():.2f} {before:.2f}")
"""


# One post comes to an index without changes: it is built again, from terms that are ready, and searched.
OTHER = """
    import resource, sys, time
    from right_hf.analysis import english_words
    from tests.benchmarks.synthetic import zipf_posts
    from tests.benchmarks.test_living_speed import K, resident

    def bm25s():
        import bm25s
        index = bm25s.BM25(backend="numba")
        index.index(tokens, show_progress=False)
        return index, 2_000, lambda asked: index.retrieve(asked, k=K, show_progress=False)

    def rank_bm25():
        from rank_bm25 import BM25Okapi
        index = BM25Okapi(tokens)
        numbers = list(range(len(tokens)))
        return index, 3, lambda asked: [index.get_top_n(query, numbers, K) for query in asked]

    tokens = [english_words(post.text) for post in zipf_posts(int(sys.argv[2]))]
    queries = [english_words(post.text) for post in zipf_posts(2_000, seed=1)]
    before, start, own = resident(), time.perf_counter(), time.process_time()
    index, count, search = locals()[sys.argv[1]]()
    built = time.perf_counter() - start, time.process_time() - own, resident() - before
    search(queries[:1])
    own = time.process_time()
    search(queries[:count])
    print(*(f"{number:.1f}" for number in built), f"{count / (time.process_time() - own):.1f}")
"""


def say(name: str, value: str) -> None:
    tell(f"  {name:58} {value}\n")


def resident() -> float:
    """Resident memory of this process in GB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e9


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def queries_per_second(retriever: BM25Retriever, queries: list[str]) -> tuple[float, float]:
    """By the clock, and by this thread's own processor time: on a busy machine the second is the speed of a core."""
    start, own, searched = time.perf_counter(), time.thread_time(), 0
    while time.perf_counter() - start < SECONDS:  # long enough that one collection of garbage does not decide
        retriever.search(queries, K)
        searched += len(queries)
    return searched / (time.perf_counter() - start), searched / (time.thread_time() - own)


def while_changing(
    retriever: BM25Retriever, queries: list[str], posts: list[Post], rate: float
) -> tuple[float, float, float]:
    """Changes a second, at most `rate`, and the queries a second beside them, as [`queries_per_second`] gives them."""
    done, changes, start = threading.Event(), 0, time.perf_counter()

    def write() -> None:
        nonlocal changes
        while not done.wait(max(0.0, changes / rate - (time.perf_counter() - start))):
            post = posts[changes // 2 % len(posts)]
            if changes % 2:
                retriever.remove([post.id])
            else:
                retriever.add([post])
            changes += 1

    writer = threading.Thread(target=write)
    writer.start()
    by_clock, own = queries_per_second(retriever, queries)
    elapsed = time.perf_counter() - start
    done.set()
    writer.join()
    if changes % 2:
        retriever.remove([posts[changes // 2 % len(posts)].id])
    return changes / elapsed, by_clock, own


def test_living_corpus(tmp_path: Path) -> None:
    """On one core for both reader and writer; durable, so each change waits for the disk."""
    BM25Retriever.from_posts(zipf_posts(100)).search(["w1"], K)  # compiles the kernel
    before = resident()
    command = [sys.executable, "-c", textwrap.dedent(BUILD), str(POSTS), str(tmp_path / "index")]
    built = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    start = time.perf_counter()
    retriever = BM25Retriever.open(tmp_path / "index")
    opening = time.perf_counter() - start
    memory = resident()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    tell(f"\nA living corpus of {POSTS:,} posts, one core (load {os.getloadavg()[0]:.1f}):\n")
    say("indexed; saved; opened", f"{built[0]} s; {built[1]} s; {opening:.1f} s")
    say("resident: process before, with the index; peak of opening", f"{before:.2f}, {memory:.2f}; {peak:.2f} GB")
    say(
        "peak of indexing and saving, in a process of its own",
        f"{built[2]} GB ({built[3]} of it the posts and the process)",
    )

    queries = [post.text for post in zipf_posts(2_000, seed=1)]
    retriever.search(queries[:1], K)
    static = queries_per_second(retriever, queries)
    say("queries/s in batch, static (clock; own time)", f"{static[0]:.0f}; {static[1]:.0f}")

    new = [
        replace(post, id=f"n{post.id}", text=f"fresh{i} {post.text}")
        for i, post in enumerate(zipf_posts(2 * CHANGES, seed=2))
    ]

    def suggestible(post: Post) -> None:
        retriever.add([post])
        assert retriever.search([post.text.split()[0]], 1)[0][0].post.id == post.id

    def gone(post: Post) -> None:
        retriever.remove([post.id])
        assert retriever.search([post.text.split()[0]], 1) == [[]]

    for name, change in (("post to suggestible", suggestible), ("removal to not suggestible", gone)):
        times = [milliseconds(lambda change=change, post=post: change(post)) for post in new[:CHANGES]]
        say(f"{name}, ms: median, 99 %, most", ", ".join(f"{np.percentile(times, q):.1f}" for q in (50, 99, 100)))

    for rate in (FEED, math.inf):
        changes, *living = while_changing(retriever, queries, new[CHANGES:], rate)
        say(f"queries/s with {changes:.0f} changes/s meanwhile (clock; own time)", f"{living[0]:.0f}; {living[1]:.0f}")
        say("share of the static speed (clock; own time)", f"{living[0] / static[0]:.2f}; {living[1] / static[1]:.2f}")
    retriever.wait()
    retriever.close()
    _others()


def _others() -> None:
    """What one new post costs the libraries without changes, their whole index; each in a process of its own."""
    for name in ("bm25s", "rank_bm25"):
        if importlib.util.find_spec(name) is None:
            say(name, "not installed")
            continue
        command = [sys.executable, "-c", textwrap.dedent(OTHER), name, str(POSTS)]
        seconds, core_seconds, memory, rate = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.split()
        say(f"{name}: one post more, indexed anew from ready terms", f"{seconds} s ({core_seconds} s of the core)")
        say(f"{name}: resident memory of the index; queries/s (own time)", f"{memory} GB; {rate}")
