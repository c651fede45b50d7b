"""The fixture that points the real client at the loopback Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import tenacity
from huggingface_hub import constants, file_download
from huggingface_hub.utils import _http

from tests.support.loopback_hub.server import LoopbackHub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """A running Hub with an empty cache of its own; the user "user" is logged in. Needs the marker `loopback`."""
    with LoopbackHub().running() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", "hf_user")
        huggingface_hub.close_session()  # the client keeps connections to the server of an earlier test
        yield server
        huggingface_hub.close_session()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets no retry wait, neither ours nor the client's; gives the seconds that each would have waited.

    Only they are meant: a thread that waits for the lock of a file still sleeps.
    """
    waited: list[float] = []
    for module in (tenacity.nap, file_download, _http):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=waited.append))
    return waited
