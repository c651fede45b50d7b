"""`right-hf serve` under load: 32 clients beside one while posts come and go, batches beside one by one, completion.

make benchmark. The clients run on the same machine as the server, and take their share of its cores.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import psutil
import pytest

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, Corpus, Post
from right_hf.completion import PrefixCounts
from right_hf.embedded import embedded
from tests.benchmarks.test_living_speed import milliseconds, say
from tests.benchmarks.told import tell
from tests.support.server import TOKEN, Running, running

pytestmark = [pytest.mark.benchmark, pytest.mark.loopback, pytest.mark.timeout(1_800)]

CLIENTS, SECONDS = 32, 60
#: Those of `locust_clients.py`.
WRITERS = 8
#: Seconds of each of the other runs.
BRIEF = 20
COMPLETED_POSTS, NAMES = 1_000_000, 300_000


def load(server: Running, clients: int, seconds: int, posts: Path, writing: bool = True) -> dict[str, dict[str, Any]]:
    """What locust tells of each kind of request."""
    command = [
        *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locust_clients.py")), "Reader"),
        *(["Writer"] if writing else ["--tags", "recommend"]),
        *("--headless", "--json", "--skip-log", "-H", server.url, "-t", f"{seconds}s"),
        *("-u", str(clients + WRITERS * writing), "-r", "100"),
    ]
    environment = os.environ | {"RIGHT_HF_LOAD_POSTS": str(posts), "RIGHT_HF_TOKEN": TOKEN}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout[done.stdout.index("[") :])
    return {f"{entry['method']} {entry['name']}": entry for entry in found}


def percentile(entry: dict[str, Any], share: float) -> float:
    """Milliseconds within which this share of the requests was answered."""
    times = sorted((float(one), count) for one, count in entry["response_times"].items())
    for (found, _), seen in zip(times, accumulate(count for _, count in times), strict=True):
        if seen >= share * entry["num_requests"]:
            return found
    return times[-1][0]


def rate(entry: dict[str, Any]) -> float:
    """Requests answered a second."""
    return float(entry["num_requests"] / (entry["last_request_timestamp"] - entry["start_time"]))


def busy(server: Running) -> float:
    """Seconds that the server has kept cores busy."""
    used = psutil.Process(server.process.pid).cpu_times()
    return float(used.user + used.system)


def memory(server: Running) -> float:
    """Resident memory of the server in MB."""
    return float(psutil.Process(server.process.pid).memory_info().rss / 1e6)


def note(levels: list[float], server: Running) -> None:
    levels.append(memory(server))


def errors(found: Iterable[dict[str, Any]]) -> int:
    return sum(entry["num_failures"] for entry in found)


def test_server(tmp_path: Path) -> None:
    shutil.copytree(Path(embedded(DEFAULT_CHECKPOINT)) / "retriever", tmp_path / "index")
    corpus = BM25Retriever.from_pretrained(tmp_path / "index").corpus
    texts = [post.text for post in random.Random(0).sample(list(corpus), 2_000)]
    posts, load_now = tmp_path / "posts.txt", os.getloadavg()[0]
    posts.write_text("\n".join(" ".join(text.split()) for text in texts), encoding="utf-8")
    tell(f"\nA server of {len(corpus):,} posts beside its clients, {os.cpu_count()} cores (load {load_now:.1f}):\n")
    with running(tmp_path / "log", "--open", str(tmp_path / "index"), "--quiet") as server:
        load(server, CLIENTS, 5, posts)  # compiles kernels, fills memos
        say("memory at first, MB", f"{memory(server):.0f}")
        for clients, seconds in ((1, BRIEF), (CLIENTS, SECONDS)):
            levels: list[float] = []
            timers = [Timer(share * seconds, note, (levels, server)) for share in (1 / 3, 2 / 3)]
            for timer in timers:
                timer.start()
            found = load(server, clients, seconds, posts)
            changes = sum(rate(found[name]) for name in ("POST /posts", "DELETE /posts/{id}"))
            tell(f"  {clients} clients, {seconds} s, {changes:.0f} changes/s meanwhile:\n")
            say("errors", f"{errors(found.values())} of {sum(entry['num_requests'] for entry in found.values())}")
            for name in ("POST /recommend", "GET /complete", "POST /posts"):
                entry = found[name]
                spread = ", ".join(f"{percentile(entry, share):.0f}" for share in (0.5, 0.95))
                say(f"{name}: a second; ms: median, 95 %", f"{rate(entry):.0f}; {spread}")
            note(levels, server)
            say("memory, MB, by thirds", ", ".join(f"{level:.0f}" for level in levels))
        assert server.stop() == 0
    tell(f"  {CLIENTS} clients that ask for recommendations alone, {BRIEF} s:\n")
    rates, own = [], []
    for size in ("1", "32"):
        with running(tmp_path / "log", "--batch-size", size, "--quiet") as server:
            load(server, CLIENTS, 5, posts, writing=False)
            before = busy(server)
            entry = load(server, CLIENTS, BRIEF, posts, writing=False)["POST /recommend"]
            assert not entry["num_failures"]
            rates.append(rate(entry))
            own.append(entry["num_requests"] / (busy(server) - before))
            say(f"in batches of up to {size}: a second (own time)", f"{rates[-1]:.0f}; {own[-1]:.0f}")
    say("batches beside one by one (own time)", f"{rates[1] / rates[0]:.2f}; {own[1] / own[0]:.2f}")


def test_completion_over_a_million_posts() -> None:
    """Hashtags made of letters drawn evenly, their uses by Zipf's law."""
    generator = np.random.default_rng(0)
    letters = generator.choice(list("abcdefghijklmnopqrstuvwxyz"), size=(NAMES, 14))
    lengths = generator.integers(3, 15, size=NAMES)
    names = ["".join(row[:length]) for row, length in zip(letters, lengths, strict=True)]
    shares = 1 / np.arange(1, NAMES + 1)
    drawn = generator.choice(NAMES, size=(COMPLETED_POSTS, 2), p=shares / shares.sum()).tolist()
    posts = [Post(str(row), "text", tuple({names[first], names[last]})) for row, (first, last) in enumerate(drawn)]
    completion, start = PrefixCounts(), time.perf_counter()
    completion.begin(Corpus(posts))
    tell(f"\nCompletion over {len(posts):,} made-up posts with {len(completion):,} hashtags:\n")
    say("counted", f"{time.perf_counter() - start:.1f} s")
    prefixes = ["", *(names[row][:length] for row in generator.integers(0, NAMES, 500) for length in (1, 2, 3, 4))]
    times = [milliseconds(lambda prefix=prefix: completion.most_used(prefix, 10)) for prefix in prefixes]
    say("a prefix, ms: median, 99 %, most", ", ".join(f"{np.percentile(times, q):.2f}" for q in (50, 99, 100)))
    changes = [milliseconds(lambda post=post: completion.change([post], [])) for post in posts[:2_000]]
    say("a post less, ms: median, 99 %, most", ", ".join(f"{np.percentile(changes, q):.2f}" for q in (50, 99, 100)))
