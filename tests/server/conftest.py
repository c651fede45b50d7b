"""A tiny model on an index that is open for changes, and clients that need no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from right_hf import BM25Retriever, Post, RightConfig, RightModel
from right_hf.selector import BiEncoderSelector
from right_hf.server import ServerSettings, Service, create_app

TOKEN = "a-token-for-tests"
#: The weights of `tests.conftest.model`, but for those of a generator.
FUSION = {"intercept": 0.0, "ranking": 1.0, "in_post": 0.5}


@pytest.fixture
def index(english_posts: list[Post], tmp_path: Path) -> Path:
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def service(index: Path, tiny_selector: BiEncoderSelector) -> Iterator[Service]:
    config = RightConfig(fusion={"log_likelihood": 0.0, "written": 0.0, "retrieved": 0.0, **FUSION})
    service = Service.open(RightModel(config, BM25Retriever.from_pretrained(index), tiny_selector), index)
    yield service
    service.close()


@pytest.fixture
def serving(service: Service) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of a server with some settings; it shows the token unless told otherwise."""
    with ExitStack() as stack:

        def start(shows_token: bool = True, **settings: Any) -> TestClient:
            app = create_app(service, ServerSettings(**{"token": TOKEN, "demo": False, **settings}))
            headers = {"Authorization": f"Bearer {TOKEN}"} if shows_token else {}
            return stack.enter_context(TestClient(app, headers=headers, raise_server_exceptions=False))

        yield start


@pytest.fixture
def client(serving: Callable[..., TestClient]) -> TestClient:
    return serving()
