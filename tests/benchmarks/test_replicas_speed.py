"""Servers that read one table, side by side: plain ones, each asked in its turn, and replicas of Ray Serve.

pytest -m benchmark tests/benchmarks/test_replicas_speed.py -s; Ray Serve takes pip install 'ray[serve]'. Servers,
clients and Ray share the cores of one machine, so what they do a second says what each way costs, not how it grows.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever
from right_hf.embedded import embedded
from right_hf.retriever import LanceRetriever
from tests.benchmarks.told import tell
from tests.support.ports import free_port
from tests.support.server import running

pytestmark = [pytest.mark.benchmark, pytest.mark.loopback, pytest.mark.timeout(1_800)]

SECONDS, CLIENTS = 20, 8
APP = Path(__file__).with_name("ray_serve_app.py")


@contextmanager
def plain(replicas: int, table: Path, home: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Plain servers: their addresses and processes."""
    with ExitStack() as stack:
        options = ("--retriever", str(table), "--refresh", "1", "--quiet")
        found = [stack.enter_context(running(home / f"log{one}", *options)) for one in range(replicas)]
        yield [server.url for server in found], [server.process.pid for server in found]


@contextmanager
def ray_serve(replicas: int, table: Path, home: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Replicas of Ray Serve behind its proxy, all processes of which count."""
    port = free_port()
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, str(APP), str(replicas), str(port), str(table)]
    with (home / "ray").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=home
        )
    assert process.stdout is not None and process.stdin is not None
    assert any(line.startswith(b"answering") for line in process.stdout), (home / "ray").read_text()[-2_000:]
    try:
        yield [f"http://127.0.0.1:{port}"], [process.pid]
    finally:
        process.stdin.close()
        process.wait(120)


def asked(urls: list[str], texts: list[str], clients: int, each: bool = False) -> list[float]:
    """Milliseconds of each answer, of so many clients for some seconds, or until `each` text was asked about once."""
    found: list[float] = []
    turns, until = itertools.count(), time.perf_counter() + SECONDS

    def ask(first: int) -> None:
        with httpx.Client(timeout=60) as client:
            for row in itertools.count(first, clients):
                start = time.perf_counter()
                if (row >= len(texts)) if each else (start > until):
                    return
                url = urls[next(turns) % len(urls)]
                client.post(f"{url}/recommend", json={"posts": texts[row % len(texts)]}).raise_for_status()
                found.append(1000 * (time.perf_counter() - start))

    threads = [threading.Thread(target=ask, args=(one,)) for one in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def memory(processes: list[int]) -> float:
    """Resident megabytes of processes and their children."""
    family = [psutil.Process(pid) for pid in processes]
    return sum(one.memory_info().rss for each in family for one in (each, *each.children(recursive=True))) / 1e6


def test_replicas_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica computes on one core, as Ray has it anyway."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    corpus = BM25Retriever.from_pretrained(Path(embedded(DEFAULT_CHECKPOINT)) / "retriever").corpus
    LanceRetriever.from_posts(corpus, tmp_path / "table", variants=corpus.forms.variants)
    texts = [post.text for post in itertools.islice(corpus, 0, None, len(corpus) // 300)]
    ways = {"plain servers, each in its turn": plain}
    if importlib.util.find_spec("grpc"):
        ways["Ray Serve"] = ray_serve
    size, load = f"{len(corpus):,}", f"{os.getloadavg()[0]:.1f}"
    tell(f"\n{CLIENTS} clients, a table of {size} posts, {os.cpu_count()} cores (load {load}):\n")
    for name, way in ways.items():
        for replicas in (1, 2):
            with way(replicas, tmp_path / "table", tmp_path) as (urls, processes):
                for _ in range(replicas + 1):  # until each has been asked of all posts, most likely
                    for url in urls:
                        asked([url], texts, CLIENTS, each=True)
                rates = {}
                for clients in (1, CLIENTS):
                    times = asked(urls, texts, clients)
                    rates[clients] = len(times) / SECONDS, *np.percentile(times, (50, 95))
                tell(f"  {name}, {replicas}: ")
                for clients, (rate, median, late) in rates.items():
                    tell(f"{clients} at once {rate:.0f}/s, {median:.0f} and {late:.0f} ms (median, 95 %); ")
                tell(f"{memory(processes):.0f} MB\n")
