"""`right-hf serve` up to where it listens."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from right_hf.cli import build_parser, main
from right_hf.server import service as services
from right_hf.server.run import is_local as is_local_socket
from right_hf.server.service import Service
from right_hf.server.settings import ServerSettings
from tests.support.command_line import fail, run


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Service, ServerSettings, socket.socket]]:
    """What would be served."""
    found: list[Any] = []

    def serve(*arguments: Any) -> None:
        found.append(arguments)
        arguments[2].close()
        arguments[0].close()

    monkeypatch.setattr("right_hf.server.serve", serve)
    monkeypatch.delenv("RIGHT_HF_TOKEN", raising=False)
    return found


def test_options_become_settings(
    served: list[Any], checkpoint: str, index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token").write_text("secret\n")
    options = ["--port", "0", "--open", str(index), "--token-file", str(tmp_path / "token"), "--protect-reading"]
    limits = ["--max-body", "9", "--max-posts", "8", "--timeout", "7", "--batch-size", "6"]
    assert (
        run(capsys, "serve", checkpoint, "--no-ranker", *options, *limits, "--cors", "https://a.org", "https://b.org")
        == []
    )
    [(service, settings, _)] = served
    assert settings == ServerSettings(
        token="secret", protect_reading=True, origins=("https://a.org", "https://b.org"), max_body=9, max_posts=8,
        timeout=7, batch_size=6,
    )  # fmt: skip
    assert service.posts == 12


def test_the_token_may_stand_in_the_environment(
    served: list[Any], checkpoint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RIGHT_HF_TOKEN", "secret")
    run(capsys, "serve", "--model", checkpoint, "--no-ranker", "--port", "0")
    assert served[0][1] == ServerSettings(token="secret")
    assert served[0][0].read_only == services._NOT_OPEN


@pytest.mark.parametrize("is_local", [True, False])
def test_only_other_addresses_are_warned_of(
    served: list[Any],
    checkpoint: str,
    is_local: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("right_hf.server.is_local", lambda listener: is_local)
    assert main(["serve", checkpoint, "--no-ranker", "--port", "0"]) == 0
    said = capsys.readouterr().err
    assert ("warning: other machines can reach" in said) is not is_local and "answering on http://127.0.0.1" in said


@pytest.mark.parametrize(("address", "is_local"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)])
def test_an_address_is_local_or_not(address: str, is_local: bool) -> None:
    assert is_local_socket(mock.Mock(getsockname=lambda: (address, 80))) is is_local


def test_what_cannot_be_is_said(
    served: list[Any], checkpoint: str, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = fail(capsys, "serve", checkpoint, "--model", checkpoint, code=2)
    assert "give CHECKPOINT or --model, not both" in both
    both = fail(capsys, "serve", "--open", str(index), "--retriever", str(index), code=2)
    assert "give --open, whose changes are kept, or --retriever" in both
    assert "There is no file nowhere" in fail(capsys, "serve", "--token-file", "nowhere")
    assert "there is no token" in fail(capsys, "serve", "--protect-reading")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1:{port} cannot be listened on" in fail(capsys, "serve", "--port", port)
    assert not served


def test_no_token_is_taken_from_the_command_line() -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", "--token", "secret"])


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client"])
def test_without_the_extra_it_is_named(missing: str) -> None:
    script = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "from right_hf.cli import main\nassert main(['serve']) == 1\n"
        "import right_hf.server\n"
        "try:\n    right_hf.server.serve\nexcept ImportError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for said in (done.stdout, done.stderr):
        assert missing in said and "pip install 'right_hf[serve]'" in said


def test_what_is_no_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["serve", "--port", "99999"])
    assert "a port, 0 to 65535" in capsys.readouterr().err
