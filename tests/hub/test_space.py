"""A Space: what is pushed, and that it runs from the pulled files with nothing but what its requirements name."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio
import pytest
from gradio_client import Client
from huggingface_hub import SpaceCard, snapshot_download
from packaging.requirements import Requirement

from right_hf import RightModel
from right_hf.hub.space import push_space
from tests.support.command_line import fail, run
from tests.support.fresh_environment import link_all
from tests.support.loopback_hub import LoopbackHub
from tests.support.ports import free_port

pytestmark = pytest.mark.loopback


def test_a_push_holds_all_that_a_space_needs(
    hub: LoopbackHub, capsys: pytest.CaptureFixture[str], checkpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    run(capsys, "push", "space", checkpoint, "user/hashtags")
    repo = hub.repo("user/hashtags", "space")
    for path in ("right_hf/gone.py", "mine.txt"):
        repo.put(path, b"")
    run(capsys, "push", "space", checkpoint, "user/hashtags")
    paths = repo.paths()
    assert {"README.md", "app.py", "requirements.txt", "mine.txt", "checkpoint/config.json"} <= paths
    assert {f"right_hf/{name}" for name in ("__init__.py", "__init__.pyi", "demo/page.js", "demo/page.css")} <= paths
    assert not [
        path for path in paths if path.startswith("right_hf/checkpoints/") or path.endswith((".png", "gone.py"))
    ]
    assert "Not uploaded" not in caplog.text
    data = SpaceCard(repo.at().files["README.md"].content.decode()).data
    assert (data.title, data.sdk, data.app_file, data.sdk_version) == (
        "hashtags",
        "gradio",
        "app.py",
        gradio.__version__,
    )
    lines = repo.at().files["requirements.txt"].content.decode().splitlines()
    named = {Requirement(line).name for line in lines if not line.startswith("--")}
    assert {"torch", "transformers", "gradio"} <= named
    assert "right_hf" not in named and "jieba" not in named
    assert "There is no checkpoint folder /nowhere" in fail(capsys, "push", "space", "/nowhere", "user/x")
    assert len(hub.repos) == 1


@contextmanager
def started(space: Path, python: Path, home: Path) -> Iterator[str]:
    """Runs a Space as the Hub does, and gives its address."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HF_"))}
    settings = {"GRADIO_SERVER_PORT": str(port), "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen([python, "app.py"], cwd=space, env=clean | settings, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="links folders")
def test_it_runs_from_the_pulled_files(hub: LoopbackHub, tmp_path: Path) -> None:
    model = RightModel.from_pretrained("right-en-small")
    push_space(model, "user/hashtags")
    space = Path(snapshot_download("user/hashtags", repo_type="space", local_dir=tmp_path / "space"))
    lines = (space / "requirements.txt").read_text(encoding="utf-8").splitlines()
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    [site] = home.glob("lib/python*/site-packages")
    link_all([line for line in lines if not line.startswith("--")], site)
    post = "Scaling Erlang cluster to 10k nodes at WhatsApp"
    with started(space, home / "bin" / "python", tmp_path) as address:
        client = Client(address, verbose=False, analytics_enabled=False)
        answer = client.predict(post, api_name="/recommend_hashtags")
    assert '"posted": "#Erlang"' in answer
