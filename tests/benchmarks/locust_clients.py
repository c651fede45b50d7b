"""Clients of a server: readers that ask without a pause, and writers that add and remove 50 posts a second.

python -m locust -f tests/benchmarks/locust_clients.py Reader Writer --headless -u 40 -r 40 -t 60s -H http://127.0.0.1:8000

The posts that they ask about are the lines of the file RIGHT_HF_LOAD_POSTS; RIGHT_HF_TOKEN is the server's token.
"""

from __future__ import annotations

import itertools
import os
import random
import uuid
from pathlib import Path

from locust import FastHttpUser, constant_throughput, tag, task

#: Writers, each of which adds and removes so many posts a second; they wait for the disk.
WRITERS, RATE = 8, 6.25

_POSTS = Path(os.environ["RIGHT_HF_LOAD_POSTS"]).read_text(encoding="utf-8").splitlines()
_PREFIXES = ("#a", "#co", "#dev", "#mu", "#s", "#tech", "#w", "#da")
_RUN = uuid.uuid4().hex  # a run leaves a post of each writer behind
_numbers = itertools.count()


class Reader(FastHttpUser):
    """Asks, and asks again as soon as it is answered."""

    @tag("recommend")
    @task(4)
    def recommend(self) -> None:
        self.client.post("/recommend", json={"posts": random.choice(_POSTS)})

    @task(1)
    def complete(self) -> None:
        self.client.get("/complete", params={"prefix": random.choice(_PREFIXES)}, name="/complete")


class Writer(FastHttpUser):
    """Adds a post, and removes the one that it added before."""

    fixed_count = WRITERS
    wait_time = constant_throughput(RATE)

    def on_start(self) -> None:
        self._last: str | None = None

    @task
    def change(self) -> None:
        headers = {"Authorization": f"Bearer {os.environ['RIGHT_HF_TOKEN']}"}
        number = f"load {_RUN} {next(_numbers)}"
        post = {"id": number, "text": random.choice(_POSTS), "hashtags": [f"#Load{random.randrange(1_000)}"]}
        self.client.post("/posts", json=post, headers=headers)
        if self._last is not None:
            self.client.delete(f"/posts/{self._last.replace(' ', '%20')}", headers=headers, name="/posts/{id}")
        self._last = number
