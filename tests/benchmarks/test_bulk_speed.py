"""`right-hf annotate`: Ray beside one process on one core, both engines on two cores, and two nodes, one of them lost.

make benchmark, or pytest -m benchmark tests/benchmarks/test_bulk_speed.py -s; RIGHT_HF_BENCHMARK_POSTS is how many
posts are annotated (20,000). All ratios are of one run, so that a slower machine does not change them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever
from right_hf.embedded import embedded
from tests.benchmarks.test_living_speed import say
from tests.benchmarks.told import tell
from tests.support.paths import ROOT

pytestmark = [pytest.mark.benchmark, pytest.mark.loopback, pytest.mark.timeout(3_600)]

POSTS = int(os.environ.get("RIGHT_HF_BENCHMARK_POSTS", "20000"))
#: Pieces that the posts are cut into, at least.
PIECES = 20
NOW = "1600000000"


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of posts: those of the embedded corpus, again and again, each with its number before it."""
    corpus = BM25Retriever.from_pretrained(Path(embedded(DEFAULT_CHECKPOINT)) / "retriever").corpus
    texts = [f"{number} {corpus[number % len(corpus)].text}" for number in range(POSTS)]
    folder = tmp_path_factory.mktemp("posts")
    pq.write_table(pa.table({"id": range(POSTS), "text": texts}), folder / "posts.parquet")
    return folder


def command(posts: Path, output: Path, *more: str) -> list[str]:
    rows = max(16, POSTS // PIECES // 16 * 16)
    shared = ["--input", f"{posts}/*.parquet", "--output", str(output), "--now", NOW, "--piece-rows", str(rows)]
    return [sys.executable, "-m", "right_hf", "annotate", *shared, *more]


def annotated(posts: Path, output: Path, cores: int, *more: str) -> tuple[float, float]:
    """Posts a second on so many cores: with the start of all processes, and once they are at work."""
    last = sorted(os.sched_getaffinity(0))[-cores:]
    if len(last) < cores:
        pytest.skip(f"needs {cores} cores")
    start = time.perf_counter()
    done = subprocess.run(
        command(posts, output, *more),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=partial(os.sched_setaffinity, 0, last),
        capture_output=True,
        text=True,
        check=False,
    )
    whole = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["posts"] == POSTS
    ends = sorted((path.stat().st_mtime, pq.read_metadata(path).num_rows) for path in output.glob("part-*"))
    begun = ends[cores - 1][0]  # each process has ended a piece
    return POSTS / whole, sum(rows for end, rows in ends if end > begun) / (ends[-1][0] - begun)


def rows_of(output: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(sorted(output.glob("part-*"))).to_pylist()
    return rows


def test_engines(posts: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    tell(
        f"\n{POSTS:,} posts annotated, load {os.getloadavg()[0]:.1f}; posts a second with the start (and without it):\n"
    )
    over_ray = ("--engine", "ray", "--address", "local", "--actors")
    ways = {
        "one process, one core": (1,),
        "Ray with one actor, one core": (1, *over_ray, "1"),
        "two processes, two cores": (2, "--workers", "2"),
        "Ray with two actors, two cores": (2, *over_ray, "2"),
    }
    rates: list[tuple[float, float]] = []
    for number, (name, (cores, *more)) in enumerate(ways.items()):
        rates.append(annotated(posts, tmp_path / str(number), int(cores), *map(str, more)))
        say(name, "{:.0f} ({:.0f})".format(*rates[-1]))
    one, ray, two, rays = rates
    say(
        "Ray takes longer by, %",
        ", ".join(f"{100 * (alone / shared - 1):.0f}" for alone, shared in zip(one, ray, strict=True)),
    )
    for name, found in (("two processes", two), ("Ray", rays)):
        say(f"speed-up of {name}", ", ".join(f"{shared / alone:.2f}" for alone, shared in zip(one, found, strict=True)))
    first, *others = [rows_of(tmp_path / str(number)) for number in range(len(ways))]
    assert len(first) == POSTS and all(other == first for other in others)


def test_two_nodes_of_which_one_is_lost(posts: Path, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = str(ROOT)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    output, start = tmp_path / "nodes", time.perf_counter()
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        lost: list[float] = []

        def lose() -> None:
            while len(list(output.glob("part-*"))) < PIECES // 2:
                time.sleep(0.2)
            cluster.remove_node(second, allow_graceful=False)
            lost.append(time.perf_counter() - start)

        threading.Thread(target=lose, daemon=True).start()
        over_ray = ("--engine", "ray", "--address", cluster.address, "--actors", "2")
        run = partial(subprocess.run, env=os.environ, capture_output=True, text=True, check=False)
        first, again = (run(command(posts, output, *over_ray)) for _ in range(2))
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert first.returncode == 0 and again.returncode == 0, first.stderr + again.stderr
    summary, resumed = json.loads(first.stdout), json.loads(again.stdout)
    tell(f"\n{POSTS:,} posts annotated by two nodes of one core, of which one is killed in the middle:\n")
    say("killed after, s; all done in, s", f"{lost[0]:.0f}; {summary['seconds']:.0f}")
    say("posts; answered again by a second run", f"{summary['posts']}; {resumed['annotated_now']}")
    rows = rows_of(output)
    assert [row["id"] for row in rows] == list(range(POSTS)) and resumed["annotated_now"] == 0
    assert run(command(posts, tmp_path / "one", "--workers", "2")).returncode == 0
    assert rows == rows_of(tmp_path / "one")
    say("equal to what one machine answers", "yes")
