"""Opening a saved index, alone and under the checkpoint of the package: time, memory, and the first searches.

make benchmark (RIGHT_HF_BENCHMARK_POSTS=1000000 for the large corpus)
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "200000"))

BUILD = """
    import sys
    from right_hf import BM25Retriever
    from tests.benchmarks.synthetic import zipf_posts

    BM25Retriever.from_posts(zipf_posts(int(sys.argv[1])), analyser="english").save_pretrained(sys.argv[2])
"""

# Each kind in a process of its own, which has loaded its libraries and compiled kernels before it opens the index.
OPEN = """
    import sys, time
    import numpy as np
    from right_hf import BM25Retriever, DEFAULT_CHECKPOINT, Post, RightModel
    from tests.benchmarks.synthetic import zipf_posts
    from tests.benchmarks.test_living_speed import resident

    def timed(work):
        start, own = time.perf_counter(), time.process_time()
        result = work()
        return result, time.perf_counter() - start, time.process_time() - own

    queries = [post.text for post in zipf_posts(200, seed=1)]
    BM25Retriever.from_posts(zipf_posts(100), analyser="english").search(queries[:1])
    if sys.argv[1] == "index":
        load, search = BM25Retriever.from_pretrained, lambda opened, text: opened.search([text], 10)
    else:
        load = lambda folder: RightModel.from_pretrained(DEFAULT_CHECKPOINT, retriever=folder, generator=False)
        search = lambda opened, text: opened.recommend([text], 5)
        search(load(None), queries[0])
    before = resident()
    opened, *opening = timed(lambda: load(sys.argv[2]))
    _, *first = timed(lambda: search(opened, queries[0]))
    lone = [timed(lambda text=text: search(opened, text))[1] for text in queries[1:]]
    after = resident()
    _, *adding = timed(lambda: opened.add([Post("new", "a new post", ("tag 1",))]))
    seconds = [*opening, *first, *adding]
    print(*seconds, *np.percentile(lone, (50, 95)), before, after)
"""


def _run(code: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_opening(tmp_path: Path) -> None:
    _run(BUILD, POSTS, tmp_path / "index")
    size = sum(path.stat().st_size for path in (tmp_path / "index").iterdir())
    tell(f"\nOpening an index of {POSTS:,} posts, {size / 1e6:.0f} MB on disk (load {os.getloadavg()[0]:.1f}):\n")
    for kind, name in (("index", "the index alone"), ("model", "the checkpoint, generator=False")):
        found = [float(number) for number in _run(OPEN, kind, tmp_path / "index")]
        opening, first, adding = found[:2], found[2:4], found[4:6]
        tell(f"  {name}\n")
        for what, (clock, own) in (("opened", opening), ("first search", first), ("one post added", adding)):
            tell(f"    {what:40} {1000 * clock:8.1f} ms ({1000 * own:.1f} of the processor)\n")
        tell(f"    {'lone searches: median; 95 %':40} {1000 * found[6]:8.1f} ms; {1000 * found[7]:.1f}\n")
        tell(f"    {'resident: process before; with the index':40} {found[8]:8.2f} GB; {found[9]:.2f}\n")
