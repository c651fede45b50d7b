"""Who may do what: tokens, protected reading, pages of other origins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from right_hf.server import ServerSettings
from tests.server.conftest import TOKEN

NEW = {"id": "n1", "text": "Glaciers and warm seas", "hashtags": ["#GlacierMelt"]}
WRITING: list[tuple[str, str, Any]] = [("POST", "/posts", NEW), ("PUT", "/posts", NEW), ("DELETE", "/posts/e01", None)]
READING: list[tuple[str, str, Any]] = [
    ("POST", "/recommend", {"posts": "Warm seas"}),
    ("GET", "/complete?prefix=c", None),
    ("GET", "/trending", None),
    ("GET", "/metrics", None),
]


@pytest.mark.parametrize(
    "shown",
    [None, "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", "Bearer \xff"],
)
def test_writing_needs_the_token(serving: Callable[..., TestClient], shown: str | None) -> None:
    client = serving(shows_token=False)
    headers = {} if shown is None else {"Authorization": shown.encode("latin-1")}
    for method, path, body in WRITING:
        answer = client.request(method, path, json=body, headers=headers)
        assert answer.status_code == 401 and "oken" in answer.json()["detail"]
        assert answer.headers["www-authenticate"] == "Bearer" and TOKEN not in answer.text
    assert client.get("/health").json()["posts"] == 12


def test_without_a_token_nobody_may_write(serving: Callable[..., TestClient]) -> None:
    client = serving(token=None)
    for method, path, body in WRITING:
        answer = client.request(method, path, json=body)
        assert answer.status_code == 403 and "RIGHT_HF_TOKEN or --token-file" in answer.json()["detail"]
    assert client.get("/health").json()["writable"] is False
    assert "has no token" in client.get("/health").json()["reason"]


def test_reading_may_need_it_too(serving: Callable[..., TestClient]) -> None:
    client = serving(shows_token=False, protect_reading=True)
    for method, path, body in READING:
        assert client.request(method, path, json=body).status_code == 401
        shown = client.request(method, path, json=body, headers={"Authorization": f"Bearer {TOKEN}"})
        assert shown.status_code == 200
    assert client.get("/health").status_code == 200


def test_only_named_pages_may_ask(serving: Callable[..., TestClient]) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in serving().get("/health", headers=asked).headers
    client = serving(shows_token=False, origins=("https://example.org",))
    assert client.options("/posts", headers=asked).headers["access-control-allow-origin"] == "https://example.org"
    other = client.options("/posts", headers=asked | {"Origin": "https://example.com"})
    assert "access-control-allow-origin" not in other.headers


def test_the_settings_keep_the_token_to_themselves_and_are_checked() -> None:
    assert TOKEN not in repr(ServerSettings(token=TOKEN))
    for wrong, message in (
        ({"token": ""}, "at least one"),
        ({"token": "a\nb"}, "without line ends"),
        ({"protect_reading": True}, "there is no token"),
        ({"max_posts": 0}, "max_posts must be at least 1"),
        ({"max_posts": 10, "max_waiting": 9}, "could never wait"),
        ({"timeout": 0}, "timeout must be more than 0"),
    ):
        with pytest.raises(ValueError, match=message):
            ServerSettings(**wrong)  # type: ignore[arg-type]
