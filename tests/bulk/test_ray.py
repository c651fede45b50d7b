"""Ray as an engine: the same answers, and a lost node costs time only."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever
from right_hf.cli import main
from tests.support.paths import ROOT
from tests.support.ports import free_port

NOW = "1600000000"


def posts(count: int) -> list[str]:
    corpus = BM25Retriever.from_pretrained(Path(DEFAULT_CHECKPOINT) / "retriever").corpus
    return [corpus[row * 7].text for row in range(count)]


@pytest.fixture
def texts(tmp_path: Path) -> list[str]:
    found = posts(240)
    pq.write_table(pa.table({"n": range(240), "text": found}), tmp_path / "posts.parquet")
    return found


@pytest.fixture
def quiet_ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the actors
    yield ray
    ray.shutdown()


def annotated(output: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(sorted(output.glob("*.parquet"))).to_pylist()
    return rows


def expected(tmp_path: Path) -> list[dict[str, Any]]:
    assert main(["annotate", "--input", f"{tmp_path}/*.parquet", "--output", f"{tmp_path}/one", "--now", NOW]) == 0
    return annotated(tmp_path / "one")


@pytest.mark.slow
def test_ray_answers_as_one_process_does(tmp_path: Path, texts: list[str], quiet_ray: Any) -> None:
    arguments = ["--input", f"{tmp_path}/*.parquet", "--now", NOW, "--piece-rows", "48"]
    over_ray = ["--engine", "ray", "--address", "local", "--actors", "2"]
    assert main(["annotate", *arguments, "--output", f"{tmp_path}/ray", *over_ray]) == 0
    assert not quiet_ray.is_initialized()
    assert annotated(tmp_path / "ray") == expected(tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_lost_node_loses_no_post(
    tmp_path: Path, texts: list[str], quiet_ray: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        quiet_ray.init(cluster.address, log_to_driver=False)
        output = tmp_path / "ray"

        def kill() -> None:
            while len(list(output.glob("part-*"))) < 3:
                time.sleep(0.05)
            cluster.remove_node(second, allow_graceful=False)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        arguments = ["--input", f"{tmp_path}/*.parquet", "--output", str(output), "--now", NOW, "--piece-rows", "16"]
        assert main(["annotate", *arguments, "--engine", "ray", "--actors", "2"]) == 0
        assert json.loads(capsys.readouterr().out)["posts"] == 240  # and nothing of Ray's beside it
        killer.join(10)
        assert not killer.is_alive()
        before = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
        assert main(["annotate", *arguments]) == 0  # goes on with another engine, and does nothing twice
        assert {path: path.stat().st_mtime_ns for path in output.glob("part-*")} == before
    finally:
        quiet_ray.shutdown()
        cluster.shutdown()
    assert annotated(output) == expected(tmp_path)


@pytest.mark.loopback
def test_an_address_at_which_nobody_answers(
    tmp_path: Path, texts: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    address = f"127.0.0.1:{free_port()}"
    command = ["annotate", "--input", f"{tmp_path}/*.parquet", "--output", f"{tmp_path}/o", "--engine", "ray"]
    assert main([*command, "--address", address]) == 1
    assert f"Nobody answers at the address {address} of a Ray cluster" in capsys.readouterr().err
    monkeypatch.setattr("right_hf.bulk.ray_engine._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert main([*command, "--address", f"127.0.0.1:{mute.getsockname()[1]}"]) == 1
    assert "(timed out)" in capsys.readouterr().err
    assert main([*command, "--address", "ray://head:10001"]) == 1
    assert "ray job submit" in capsys.readouterr().err


def test_without_ray_the_error_says_what_to_install() -> None:
    script = (
        "import sys\nsys.modules['ray'] = None\nfrom right_hf.cli import main\n"
        "sys.exit(main(['annotate', '--input', 'x', '--output', 'y', '--engine', 'ray']))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'right_hf[ray]'" in done.stderr, json.dumps(done.stderr)
