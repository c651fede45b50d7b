"""The tools as an assistant calls them: with the Model Context Protocol's own client, over HTTP."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from right_hf import RightModel
from right_hf.demo import mount
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
    assert recommend.inputSchema["required"] == ["post"]
    assert not any(answer.isError for answer in answers)
    found, posts, completed = (json.loads(answer.content[0].text) for answer in answers)
    [expected] = model.recommend(["Warm seas bleach the coral reef"], top_k=2, style="pascal")
    assert [one["posted"] for one in found] == [one.posted for one in expected]
    assert posts[0]["id"] == "e05" and posts[0]["hashtags"] == ["climate change", "coral"]
    assert completed[0] == {"hashtag": "Cloud", "count": model.retriever.corpus.hashtag_count("cloud")}


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("recommend_hashtags", {"post": " "}, "post must be a text of 1 to 5,000 characters"),
        ("recommend_hashtags", {"post": "x" * 5001}, "got a text of 5,001 characters"),
        ("recommend_hashtags", {"post": "a", "top_k": 51}, "top_k must be a whole number from 1 to 50, got 51"),
        ("recommend_hashtags", {"post": "a b", "threshold": 2}, "threshold must lie between 0 and 1"),
        ("recommend_hashtags", {"post": "a b", "style": "loud"}, "loud"),
        ("find_posts", {"query": "a", "checkpoint": "none"}, "There is no checkpoint 'none'"),
        ("complete_hashtag", {"prefix": ""}, "prefix must be a text"),
    ],
)
def test_errors_are_sentences(address: str, tool: str, arguments: dict[str, Any], message: str) -> None:
    answer = asked(address, lambda client: client.call_tool(tool, arguments))
    assert answer.isError
    assert message in answer.content[0].text


def fetched(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode())


def test_the_page_lies_behind_the_apps_own_routes(address: str) -> None:
    assert fetched(f"{address}/health") == '"well"'
    config = json.loads(fetched(f"{address}/config"))
    assert "Hashtags for your post" in fetched(address)
    assert not config["analytics_enabled"]
    assert "uploadbutton" not in {component["type"] for component in config["components"]}
