"""The wheel in a new virtual environment that holds what it requires and nothing else, and the README's examples in it.

The environment is made without a network: of every distribution that the wheel requires, directly or not, the files
installed here are linked into it, as pip would install them at these versions. Whatever else is here (pytest, peft, the
source tree) cannot be imported there, so an undeclared dependency fails; `pip check` compares versions.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import venv
from contextlib import suppress
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.fresh_environment import link_all, run
from tests.support.loopback_hub import LoopbackHub
from tests.support.paths import ROOT
from tests.support.server import ask_by_curl, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="links folders"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the new environment's programs."""
    folder = tmp_path_factory.mktemp("new")
    tree, dist, home = folder / "tree", folder / "dist", folder / "environment"
    shutil.copytree(ROOT / "right_hf", tree / "right_hf", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(dist)!r})"
    dist.mkdir()
    run(sys.executable, "-c", build, cwd=tree)
    [wheel] = dist.glob("*.whl")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    [site] = home.glob("lib/python*/site-packages")
    [metadata] = site.glob("right_hf-*.dist-info")
    link_all(Distribution.at(metadata).requires or [], site)
    return home / "bin"


def test_its_requirements_fit_together(environment: Path, tmp_path: Path) -> None:
    checked = run(sys.executable, "-m", "pip", "--python", environment / "python", "check", cwd=tmp_path)
    assert "No broken requirements" in checked


def test_the_package_is_the_wheels_and_little_else_is_there(environment: Path, tmp_path: Path) -> None:
    script = (
        "import evaluate, importlib.util as u, right_hf, sys\n"
        "from right_hf.metrics.hub import METRICS, metric_folder\n"
        "assert right_hf.__file__.startswith(sys.prefix)\n"
        "assert not [n for n in ('pytest', 'hypothesis', 'rouge_score', 'jieba', 'peft', 'tests') if u.find_spec(n)]\n"
        "print([evaluate.load(str(metric_folder(name))).name for name in METRICS])\n"
    )
    printed = run(environment / "python", "-c", script, cwd=tmp_path, HF_HOME=str(tmp_path))
    assert printed == "['hashtag_f1', 'hashtag_rouge']\n"


@pytest.mark.parametrize(
    "page", ["README.md", "right_hf/README.md", "right_hf/hub/README.md", "right_hf/retriever/README.md"]
)
def test_the_snippets_of_its_pages_run(environment: Path, page: str, tmp_path: Path) -> None:
    for name in ("readme_snippets.py", "loopback_hub/*.py"):
        for file in (ROOT / "tests" / "support").glob(name):
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    command = [environment / "python", "-m", "tests.support.readme_snippets", ROOT / page]
    pushed = json.loads(run(*command, cwd=tmp_path, HF_HOME=str(tmp_path)).splitlines()[-1])
    if page == "right_hf/hub/README.md":
        assert {"config.json", "selector/model.safetensors"} <= set(pushed["user/right-en"])
    else:
        assert pushed == {}


@pytest.fixture(scope="module")
def serving(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the same environment with the extra "serve"."""
    home = tmp_path_factory.mktemp("serving") / "environment"
    shutil.copytree(environment.parent, home, symlinks=True)
    [site] = home.glob("lib/python*/site-packages")
    [metadata] = site.glob("right_hf-*.dist-info")
    asked = [Requirement(text) for text in Distribution.at(metadata).requires or []]
    extra = [one for one in asked if one.marker and one.marker.evaluate({"extra": "serve"})]
    link_all([f"{one.name}{one.specifier}" for one in extra], site)
    return home / "bin" / "python"


def test_without_its_extra_the_server_names_it(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [environment / "right-hf", "serve"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "pip install 'right_hf[serve]'" in done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_server_answers_curl_as_its_page_says(environment: Path, serving: Path, tmp_path: Path) -> None:
    post = {"id": "1", "text": "Windows Virtual Desktop on Azure", "hashtags": ["wvd"]}
    (tmp_path / "my-posts.jsonl").write_text(json.dumps(post), encoding="utf-8")
    run(environment / "right-hf", "index", "my-posts.jsonl", "--output", "my-index", cwd=tmp_path)
    with running(tmp_path / "log", "--open", "my-index", python=serving) as server:
        answers = ask_by_curl(server)
        assert json.loads(answers[5]) == {"changed": 1, "posts": 2}
        assert server.stop() == 0


def test_the_command_line_recommends(environment: Path, tmp_path: Path) -> None:
    post = "Scaling Erlang cluster to 10k nodes at WhatsApp"
    row = json.loads(run(environment / "right-hf", "recommend", post, cwd=tmp_path, HF_HOME=str(tmp_path)))
    assert row["recommendations"][0]["hashtag"] == "Erlang"


def on_a_terminal(*command: str | Path, cwd: Path, **variables: str) -> tuple[str, str]:
    """Standard output, and what a terminal as standard error shows."""
    import fcntl
    import pty
    import termios

    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HF_", "TQDM"))}
    terminal, error = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))  # a new one has no columns
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # its other end is closed
            while part := os.read(terminal, 4096):
                shown.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = subprocess.run(
            command, cwd=cwd, env=clean | variables, stdout=subprocess.PIPE, stderr=error, check=False
        )
    finally:
        os.close(error)
        reader.join(10)
        os.close(terminal)
    text = b"".join(shown).decode(errors="replace")
    assert done.returncode == 0, text
    return done.stdout.decode(), text


def test_it_pushes_and_pulls_as_its_client_does_by_default(environment: Path, tmp_path: Path) -> None:
    """Large files go through Xet; a terminal shows bars, and standard output has the result alone."""
    with LoopbackHub().running() as hub:
        settings = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_user", "HF_HOME": str(tmp_path / "home")}
        settings |= {"HF_XET_XORB_COMPRESSION_POLICY": "none", "HF_HUB_DISABLE_TELEMETRY": "1"}
        [site] = environment.parent.glob("lib/python*/site-packages")
        checkpoint = site / "right_hf" / "checkpoints" / "right-en-small"
        program = environment / "right-hf"
        pushed, bars = on_a_terminal(program, "push", "model", checkpoint, "user/right-en", cwd=tmp_path, **settings)
        assert json.loads(pushed)["commit"].startswith(hub.endpoint)
        assert "100%" in bars
        assert "POST /xet/v1/shards" in hub.requests
        pulled, bars = on_a_terminal(program, "pull", "user/right-en", "copy", cwd=tmp_path, **settings)
        assert json.loads(pulled)["output"] == "copy"
        assert "Fetching" in bars and "100%" in bars
        quiet = on_a_terminal(program, "pull", "user/right-en", "--quiet", cwd=tmp_path, **settings)
        assert json.loads(quiet[0])["revision"] == json.loads(pulled)["revision"]
        assert quiet[1] == ""
    weights = "selector/model.safetensors"
    assert (tmp_path / "copy" / weights).read_bytes() == (checkpoint / weights).read_bytes()
