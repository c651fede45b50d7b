"""A client made up from the description of the API, which sends what is right and what is not."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from right_hf import BM25Retriever
from tests.support.server import TOKEN, running

#: They take a 422 for what has the right shape, and a 404 after some 201, for mistakes: no schema says that a time is
#: none, or that another id is not there.
_OFF = "positive_data_acceptance,ensure_resource_availability"

_OPTIONS = [
    *("--checks", "all", "--exclude-checks", _OFF, "--no-color", "--header", f"Authorization: Bearer {TOKEN}"),
    *("--max-examples", "40", "--seed", "1", "--generation-database", "none"),
]

pytestmark = [pytest.mark.slow, pytest.mark.loopback, pytest.mark.timeout(600)]


def test_it_finds_nothing(tmp_path: Path, checkpoint: str, index: Path) -> None:
    pytest.importorskip("schemathesis")
    options = [checkpoint, "--no-generator", "--no-ranker", "--open", str(index)]
    with running(tmp_path / "log", *options) as server:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json", *_OPTIONS]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
        posts = server.client.get("/health").json()["posts"]
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text(), server.log.read_text()[-3_000:]
    with closing(BM25Retriever.open(index)) as kept:
        assert len(kept.corpus) == posts
        assert {f"e{number:02}" for number in range(1, 13)} <= {post.id for post in kept.corpus}
