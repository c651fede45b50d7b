from __future__ import annotations

import socket
from importlib import util
from typing import Any

import pytest
from fastapi import FastAPI

from right_hf import RightModel
from right_hf.demo import mount
from right_hf.demo.serving import _models
from tests.support.command_line import fail

pytestmark = pytest.mark.loopback


def test_without_gradio_the_error_says_what_to_install(
    capsys: pytest.CaptureFixture[str], model: RightModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = util.find_spec
    monkeypatch.setattr("right_hf.demo.serving.find_spec", lambda name: None if name == "gradio" else find(name))
    with pytest.raises(ImportError, match=r"pip install 'right_hf\[demo\]'"):
        mount(FastAPI(), model)
    assert "pip install 'right_hf[demo]'" in fail(capsys, "demo")


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Cannot listen on port {port} of 127.0.0.1" in fail(capsys, "demo", "--port", str(port))
    assert "a port, 0 to 65535" in fail(capsys, "demo", "--port", "70000", code=2)


def test_a_checkpoint_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no checkpoint folder ./none" in fail(capsys, "demo", "./none", "--port", "0")


@pytest.mark.parametrize(
    ("checkpoint", "names"),
    [
        ("right-zh-small", ["right-zh-small", "right-en-small"]),
        ("right-en-small", ["right-en-small", "right-zh-small"]),
        ("user/mine", ["user/mine"]),
    ],
)
def test_what_can_be_chosen(checkpoint: str, names: list[str]) -> None:
    found: dict[str, Any] = _models(checkpoint, {})
    assert list(found) == names
