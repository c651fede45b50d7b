"""The tools as an assistant calls them: with the Model Context Protocol's own client, over HTTP."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from right_hf import RightModel
from right_hf.demo import mount
from right_hf.demo.tools import tools
from tests.support.served import served

pytestmark = pytest.mark.loopback


@pytest.fixture
def address(model: RightModel) -> Iterator[str]:
    app = FastAPI()
    app.get("/health")(lambda: "well")
    with served(mount(app, model)) as address:
        yield address


def asked(address: str, ask: Callable[[ClientSession], Coroutine[Any, Any, Any]]) -> Any:
    async def session() -> Any:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (reads, writes, _),
            ClientSession(reads, writes) as client,
        ):
            await client.initialize()
            return await ask(client)

    return asyncio.run(session())


def test_tools_are_described_and_answer(address: str, model: RightModel) -> None:
    async def ask(client: ClientSession) -> Any:
        post = "Warm seas bleach the coral reef"
        return [
            (await client.list_tools()).tools,
            await client.call_tool("recommend_hashtags", {"post": post, "top_k": 2, "style": "pascal"}),
            await client.call_tool("find_posts", {"query": post, "count": 2}),
            await client.call_tool("complete_hashtag", {"prefix": "#Clo"}),
        ]

    tools, *answers = asked(address, ask)
    assert {tool.name for tool in tools} == {"recommend_hashtags", "find_posts", "complete_hashtag"}
    by_name = {tool.name: tool for tool in tools}
    recommend = by_name["recommend_hashtags"]
    assert recommend.description.startswith("Recommends the hashtags that people actually use")
    assert "posted" in recommend.description
    properties = recommend.inputSchema["properties"]
    assert set(properties) == {"post", "top_k", "threshold", "style", "checkpoint"}
    assert all(entry["description"] for entry in properties.values())
    assert properties["style"]["enum"] == ["common", "pascal", "lower", "words"]
    assert properties["checkpoint"]["const"] == "default"
    assert recommend.inputSchema["required"] == ["post"]
    assert not any(answer.isError for answer in answers)
    found, posts, completed = (json.loads(answer.content[0].text) for answer in answers)
    [expected] = model.recommend(["Warm seas bleach the coral reef"], top_k=2, style="pascal")
    assert [one["posted"] for one in found] == [one.posted for one in expected]
    assert posts[0]["id"] == "e05" and posts[0]["hashtags"] == ["climate change", "coral"]
    assert completed[0] == {
        "hashtag": "Cloud",
        "posted": "#Cloud",
        "count": model.retriever.corpus.hashtag_count("cloud"),
    }


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("recommend_hashtags", {"post": " "}, "post must be a text of 1 to 5,000 characters"),
        ("recommend_hashtags", {"post": "x" * 5001}, "got a text of 5,001 characters"),
        ("recommend_hashtags", {"post": "a", "top_k": 51}, "top_k must be a whole number from 1 to 50, got 51"),
        ("recommend_hashtags", {"post": "a b", "threshold": 2}, "threshold must lie between 0 and 1"),
        ("recommend_hashtags", {"post": "a b", "style": "loud"}, "loud"),
        ("find_posts", {"query": "a", "checkpoint": "none"}, "'default' was expected"),
        ("complete_hashtag", {"prefix": ""}, "prefix must be a text"),
    ],
)
def test_errors_are_sentences(address: str, tool: str, arguments: dict[str, Any], message: str) -> None:
    answer = asked(address, lambda client: client.call_tool(tool, arguments))
    assert answer.isError
    assert message in answer.content[0].text


def test_without_a_schema_before_it_a_tool_checks_its_arguments(model: RightModel) -> None:
    [recommend, *_] = tools({"english": model, "chinese": model})
    with pytest.raises(ValueError, match="There is no checkpoint 'none'"):
        recommend("a post", checkpoint="none")
    with pytest.raises(ValueError, match="style must be one of words, lower, pascal, common, got 'loud'"):
        recommend("a post of words", style="loud")


def fetched(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


def test_the_page_lies_behind_the_apps_own_routes(address: str) -> None:
    assert fetched(f"{address}/health") == '"well"'
    config = json.loads(fetched(f"{address}/config"))
    assert "Hashtags for your post" in fetched(address)
    assert not config["analytics_enabled"]
    assert "accordion" not in {component["type"] for component in config["components"]}


@pytest.mark.parametrize("path", ["secret.jsonl", "http://198.51.100.1/x.jsonl"])
def test_nobody_can_name_a_file(address: str, path: str, tmp_path: Path) -> None:
    """Neither one of the server's nor one that it would have to fetch; see also the guard in tests/conftest.py."""
    (tmp_path / "secret.jsonl").write_text("secret", encoding="utf-8")
    file = {"path": path if "/" in path else str(tmp_path / path), "meta": {"_type": "gradio.FileData"}}
    call = {"fn_index": 0, "data": [file, "common", 5, 0.0, "default", None], "session_hash": "mine"}
    queue = f"{address}/gradio_api/queue"
    request = urllib.request.Request(f"{queue}/join", json.dumps(call).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()
    with urllib.request.urlopen(f"{queue}/data?session_hash=mine") as events:
        said = next(line for line in map(bytes.decode, events) if "process_completed" in line)
    assert "Expected texts and numbers" in said
