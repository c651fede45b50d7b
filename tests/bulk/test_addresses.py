"""Bulk runs over addresses that are no paths: what fsspec opens, and the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, HfFileSystem

from tests.bulk.test_annotate import NOW, annotate, parquet
from tests.support.command_line import run
from tests.support.loopback_hub import LoopbackHub

__all__ = ["parquet"]


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_an_address_that_is_no_path(
    parquet: Path, checkpoint: str, memory: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.pipe("/data/a.parquet", (parquet / "in" / "posts.parquet").read_bytes())
    command = ["annotate", "--input", "memory://data/*.parquet", "--output", "memory://answers/run"]
    command += ["--model", checkpoint, "--piece-rows", "16", "--now", str(NOW)]
    [summary] = run(capsys, *command)
    assert (summary["posts"], summary["output"]) == (45, "memory:///answers/run")
    assert memory.exists("/answers/run/_summary.json")
    with memory.open("/answers/run/part-00002.parquet") as file:
        found = pq.read_table(file).to_pylist()
    run(capsys, *annotate(parquet, "--model", checkpoint, "--piece-rows", "16"))
    assert found == pq.read_table(parquet / "out" / "part-00002.parquet").to_pylist()
    memory.rm("/answers/run/part-00001.parquet")
    [summary] = run(capsys, *command)
    assert (summary["posts"], summary["annotated_now"]) == (45, 16)
    assert run(capsys, *command, "--top-k", "1", "--overwrite")[0]["annotated_now"] == 45


@pytest.mark.loopback
def test_posts_and_answers_lie_on_the_hub(
    hub: LoopbackHub, parquet: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    HfFileSystem.clear_instance_cache()
    api = HfApi(endpoint=hub.endpoint)
    for name in ("user/posts", "user/annotated"):
        api.create_repo(name, repo_type="dataset")
    api.upload_file(
        path_or_fileobj=parquet / "in" / "posts.parquet", path_in_repo="data/a.parquet", repo_id="user/posts",
        repo_type="dataset",
    )  # fmt: skip
    command = ["annotate", "--input", "hf://datasets/user/posts/data/*.parquet", "--model", checkpoint]
    command += ["--output", "hf://datasets/user/annotated/run", "--piece-rows", "16", "--now", str(NOW)]
    [summary] = run(capsys, *command)
    assert (summary["posts"], summary["annotated_now"]) == (45, 45)
    written = hub.repo("user/annotated", "dataset").at().files
    assert {f"run/part-0000{piece}.parquet" for piece in range(3)} | {"run/_summary.json"} <= set(written)
    run(capsys, *annotate(parquet, "--model", checkpoint, "--piece-rows", "16"))
    assert pq.read_table(BytesIO(written["run/part-00002.parquet"].content)) == pq.read_table(
        parquet / "out" / "part-00002.parquet"
    )
    assert run(capsys, *command)[0]["annotated_now"] == 0
