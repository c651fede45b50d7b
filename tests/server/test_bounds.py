"""What is too large, too long or too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

JSON = {"Content-Type": "application/json"}


def pieces(count: int) -> Iterator[bytes]:
    yield b'{"posts": "'
    for _ in range(count):
        yield b"a" * 1_000
    yield b'"}'


def test_a_body_is_counted_while_it_is_read(serving: Callable[..., TestClient]) -> None:
    client = serving(max_body=5_000, max_characters=100_000)
    assert client.post("/recommend", content=pieces(4), headers=JSON).status_code == 200
    assert client.post("/recommend", content=b"".join(pieces(4)), headers=JSON).status_code == 200
    for content in (pieces(5), b"".join(pieces(5))):
        answer = client.post("/recommend", content=content, headers=JSON)
        assert answer.status_code == 413 and "more than the 5,000 bytes allowed" in answer.json()["detail"]
    assert client.post("/recommend", content=pieces(1_000), headers=JSON).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("POST", "/recommend", {"posts": ["a"] * 4}, "Got 4 posts, expected at most 3. Send fewer at once"),
        ("POST", "/recommend", {"posts": ["a", "b" * 51]}, "The characters of a post are 51, and 50 are allowed"),
        ("POST", "/recommend", {"posts": {"text": "b" * 51}}, "The characters of a post are 51"),
        ("POST", "/recommend", {"posts": "a", "allowed": ["x"] * 11}, "Got 11 allowed, expected at most 10"),
        ("POST", "/recommend", {"posts": "a", "blocked": ["x" * 51]}, "an entry of blocked are 51"),
        ("POST", "/recommend", {"posts": "a", "preferred": ["x"] * 11}, "Got 11 preferred"),
        ("POST", "/posts", [{"id": str(i), "text": "a"} for i in range(4)], "Got 4 posts"),
        ("POST", "/posts", {"id": "x" * 51, "text": "a"}, "the id of a post are 51"),
        ("PUT", "/posts", {"id": "x", "text": "a", "hashtags": ["b" * 51]}, "the hashtags of a post are 51"),
        ("PUT", "/posts", {"id": "x", "text": "a", "hashtags": ["b"] * 11}, "Got 11 hashtags"),
    ],
)
def test_what_is_too_much_is_said(
    serving: Callable[..., TestClient], method: str, path: str, body: Any, detail: str
) -> None:
    client = serving(max_posts=3, max_characters=50, max_hashtags=10)
    answer = client.request(method, path, json=body)
    assert answer.status_code == 422 and detail in answer.json()["detail"], answer.text


def test_a_prefix_is_short(client: TestClient) -> None:
    assert client.get("/complete", params={"prefix": "a" * 501}).status_code == 422


def test_too_many_that_wait_are_told_to_ask_again(serving: Callable[..., TestClient]) -> None:
    client = serving(max_waiting=3, max_posts=3)
    endpoints = client.app.state.endpoints  # type: ignore[attr-defined]
    endpoints.batches.waiting = 1
    answer = client.post("/recommend", json={"posts": ["a"] * 3})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert "Ask again in a moment, or send fewer at once" in answer.json()["detail"]
    endpoints.batches.waiting = 0
    assert client.post("/recommend", json={"posts": ["a"] * 3}).status_code == 200
