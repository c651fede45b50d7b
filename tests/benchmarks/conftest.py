"""What a benchmark prints is kept where RIGHT_HF_BENCHMARK_OUTPUT names a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.told import told, write


@pytest.fixture(autouse=True, scope="module")
def kept(request: pytest.FixtureRequest) -> Iterator[None]:
    told.clear()
    yield
    if told and (folder := os.environ.get("RIGHT_HF_BENCHMARK_OUTPUT")):
        write(Path(folder), request.module.__name__.rpartition(".")[2].removeprefix("test_"))
