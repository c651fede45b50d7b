"""What tests of faults share: a newer checkpoint, what must hold after a fault, and processes that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import Any

import pytest
from huggingface_hub import constants

from right_hf import BM25Retriever, Post, RightModel
from tests.support.loopback_hub.faults import Fault
from tests.support.loopback_hub.server import LoopbackHub

POSTS = ["Windows desktop in the cloud", "sourdough bread"]
FOR_EVER = 1000
PULL = """
    from right_hf import RightModel

    RightModel.from_pretrained("user/right")
"""
PUSH = """
    import sys

    from right_hf import RightModel

    RightModel.from_pretrained(sys.argv[1]).push_to_hub("user/right")
"""


def newer(model: RightModel) -> RightModel:
    """The model with another index."""
    retriever = BM25Retriever.from_posts([Post("1", "windows desktop", ("newer",))])
    return RightModel(model.config, retriever, model.selector, model.generator)


def assert_newer_loads() -> None:
    assert RightModel.from_pretrained("user/right").retriever.corpus.hashtags == ["newer"]


def assert_previous_works_and_nothing_half_loads(hub: LoopbackHub, model: RightModel, first: str) -> None:
    previous = RightModel.from_pretrained("user/right", revision=first, local_files_only=True)
    assert previous.recommend(POSTS) == model.recommend(POSTS)
    by_name = RightModel.from_pretrained("user/right", local_files_only=True)
    assert by_name.recommend(POSTS) == model.recommend(POSTS), "half of the newer one was loaded"
    newest = hub.repo("user/right").refs["main"]
    with pytest.raises(FileNotFoundError, match="not, or not wholly, in the cache"):
        RightModel.from_pretrained("user/right", revision=newest, local_files_only=True)


def started(hub: LoopbackHub, script: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process whose client has the Hub, the cache and the settings that this process's client has."""
    settings = {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_CACHE": constants.HF_HUB_CACHE,
        "HF_HUB_DISABLE_XET": str(int(constants.HF_HUB_DISABLE_XET)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-c", textwrap.dedent(script), *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | settings, **pipes)


def kill_during(hub: LoopbackHub, fault: Fault, script: str, *arguments: str) -> None:
    """Runs a script and kills its process once it waits for an answer that a fault holds back."""
    assert fault.hold
    with started(hub, script, *arguments) as child:
        try:
            while not fault.struck.wait(0.1):
                assert child.poll() is None, child.communicate()
            child.send_signal(signal.SIGKILL)
        finally:
            child.kill()
            child.communicate()
    assert child.returncode == -signal.SIGKILL
    hub.recover()
