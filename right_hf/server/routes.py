"""The endpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import TypeAdapter
from starlette.convertors import Convertor, register_url_convertor

from right_hf import __version__
from right_hf.posts import Post, parse_post
from right_hf.ranker.records import Recommendation
from right_hf.server.access import shows_token
from right_hf.server.bounds import BoundedRoute, records_within, texts_within
from right_hf.server.errors import problems
from right_hf.server.observing import Metrics
from right_hf.server.queues import Batches, Turns
from right_hf.server.refused import RefusedError
from right_hf.server.schemas import (
    Changed,
    Completions,
    Health,
    Platform,
    Recommended,
    RecommendRequest,
    Records,
    Style,
    Trends,
)
from right_hf.server.service import Service
from right_hf.server.settings import ServerSettings

logger = logging.getLogger(__name__)

#: What is asked besides the posts, in a form that requests can be told apart by.
Options = tuple[tuple[str, Any], ...]

LINES = "application/x-ndjson"
_Limit = Annotated[int, Query(ge=1, le=100, description="At most so many.")]
_as_json = TypeAdapter(list[Recommendation]).dump_json


class _IdConvertor(Convertor[str]):
    """The id of a post: whatever it holds, slashes and line ends too."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("post_id", _IdConvertor())


class Endpoints:
    """The endpoints of a service.

    Args:
        service: What answers.
        settings: What is allowed.
    """

    def __init__(self, service: Service, settings: ServerSettings) -> None:
        self.service = service
        self.settings = settings
        self.turns = Turns("changing", settings.max_waiting)
        self.metrics = Metrics(lambda: service.posts, lambda: self.batches.waiting + self.turns.waiting)
        self.batches = Batches[Options, str, bytes](
            self._answers, settings.batch_size, settings.max_waiting, self.metrics.batches.observe
        )
        self.stopping = False

    def _answers(self, posts: Sequence[str], options: Options) -> list[bytes]:
        """The recommendations for each post as JSON, made in the thread that recommends."""
        return [_as_json(found) for found in self.service.recommend(posts, **dict(options))]

    def stop(self) -> None:
        """Refuses whatever comes from now on."""
        self.stopping = True
        self.batches.refuse()
        self.turns.refuse()

    def close(self) -> None:
        """Ends when all that was begun is done, and lets go of the index."""
        self.batches.close()
        self.turns.close()
        self.service.close()

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(route_class=BoundedRoute)
        reading = [Depends(shows_token)] if self.settings.protect_reading else []
        refused = (401, 403) if self.settings.protect_reading else ()
        read: dict[str, Any] = {"dependencies": reading, "responses": problems(*refused, 422), "tags": ["read"]}
        streamed: Any = {200: {"content": {LINES: {"schema": {"type": "string"}}}}}
        asked = read | {"responses": streamed | problems(*refused, 408, 413, 422, 429, 503)}
        router.add_api_route("/recommend", self.recommend, methods=["POST"], response_model=Recommended, **asked)
        router.add_api_route("/complete", self.complete, response_model=Completions, **read)
        router.add_api_route("/trending", self.trending, response_model=Trends, **read)
        write: dict[str, Any] = {"dependencies": [Depends(shows_token)], "response_model": Changed, "tags": ["write"]}
        failures = (401, 403, 408, 409, 413, 422, 429, 503, 507)
        add = write | {"responses": problems(*failures), "status_code": 201}
        router.add_api_route("/posts", self.add, methods=["POST"], **add)
        write["responses"] = problems(*failures, 404)
        router.add_api_route("/posts", self.update, methods=["PUT"], **write)
        router.add_api_route("/posts/{post_id:post_id}", self.remove, methods=["DELETE"], **write)
        stopping: Any = {503: {"model": Health, "description": "The server is about to stop."}}
        router.add_api_route("/health", self.health, response_model=Health, responses=stopping, tags=["state"])
        metrics: Any = {**problems(*refused), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
        router.add_api_route(
            "/metrics", self.show_metrics, dependencies=reading, responses=metrics, response_class=Response,
            tags=["state"],
        )  # fmt: skip
        return router

    async def recommend(self, body: RecommendRequest, request: Request) -> Response:
        """Recommends hashtags: of one post a list, best first; of several a list of lists.

        With `Accept: application/x-ndjson` each post's list comes as a line, in order, as soon as it is there.
        """
        texts = texts_within(body, self.settings)
        if self.settings.log_posts:
            logger.info("asked: %r", texts)
        # As a tuple, since posts are answered together that are asked about with equal options.
        options = tuple(body.model_dump(exclude={"posts"}).items())
        answers = self.batches.ask(texts, options)
        if LINES in request.headers.get("accept", ""):
            lines = _lines(answers)
            first = await anext(lines)  # so that a wrong option is told by the status
            return StreamingResponse(_chained(first, lines), media_type=LINES)
        # All are waited for, for one that failed alone would never be asked why.
        lists = _unless_failed(await asyncio.gather(*answers, return_exceptions=True))
        content = b"[" + b",".join(lists) + b"]" if isinstance(body.posts, list) else lists[0]
        return Response(content, media_type="application/json")

    async def complete(
        self,
        prefix: Annotated[str, Query(max_length=500, description="What was typed, with or without hash sign.")] = "",
        limit: _Limit = 10,
        style: Style = "common",
        platform: Platform | None = None,
    ) -> Completions:
        """Completes a hashtag: those of the corpus that begin so, in most use first, with the posts that carry them."""
        if self.settings.log_posts:
            logger.info("typed: %r", prefix)
        return Completions(hashtags=self.service.complete(prefix, limit, style, platform))

    def trending(self, limit: _Limit = 10, style: Style = "common", platform: Platform | None = None) -> Trends:
        """Tells which hashtags rise, and which are popular at this moment; counts posts that tell their time."""
        return Trends(**self.service.trending(limit, style, platform))

    async def add(self, body: Records) -> Changed:
        """Adds one post or several, all or none: when this returns they are on disk and can be suggested."""
        return await self._changed(body, self.service.add)

    async def update(self, body: Records) -> Changed:
        """Puts one post or several in the place of those with the same ids, all or none."""
        return await self._changed(body, self.service.update)

    async def remove(self, post_id: str) -> Changed:
        """Removes a post; its id is URL-encoded, slashes too."""
        return Changed(changed=1, posts=await self.turns.take(lambda: self.service.remove([post_id])))

    async def _changed(self, body: Records, change: Callable[[Sequence[Post]], int]) -> Changed:
        records = records_within(body, self.settings)
        if self.settings.log_posts:
            logger.info("posts: %r", records)
        try:
            count = await self.turns.take(lambda: change([parse_post(record) for record in records]))
        except ValueError as error:
            raise RefusedError(422, str(error)) from None
        return Changed(changed=len(records), posts=count)

    async def health(self) -> Any:
        """Tells whether the server is ready, and whether the corpus takes changes."""
        reason = self.service.read_only
        if reason is None and self.settings.token is None:
            reason = "The server has no token. Start it with RIGHT_HF_TOKEN or --token-file."
        health = Health(
            ready=not self.stopping,
            version=__version__,
            posts=self.service.posts,
            writable=reason is None,
            reason=reason,
        )
        return Response(health.model_dump_json(), 503, media_type="application/json") if self.stopping else health

    def show_metrics(self) -> Response:
        """Metrics for Prometheus."""
        return Response(generate_latest(self.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _unless_failed(answers: Sequence[bytes | BaseException]) -> list[bytes]:
    """The answers, if all are there.

    Raises:
        RefusedError: What was wished for is wrong.
    """
    found: list[bytes] = []
    for answer in answers:
        if isinstance(answer, (ValueError, TypeError)):
            raise RefusedError(422, str(answer)) from None
        if isinstance(answer, BaseException):
            raise answer
        found.append(answer)
    return found


async def _lines(answers: Sequence[asyncio.Future[bytes]]) -> AsyncGenerator[bytes, None]:
    """Each answer as a line; those that nobody reads any more are not made."""
    try:
        for answer in answers:
            await asyncio.wait([answer])
            yield _unless_failed([answer.exception() or answer.result()])[0] + b"\n"
    finally:
        for answer in answers:
            if not answer.cancel():
                answer.exception()  # looked at, so that nobody complains that it was not


async def _chained(first: bytes, lines: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The lines; what goes wrong after the first, when the status is told, is a line too."""
    async with aclosing(lines):
        yield first
        try:
            async for line in lines:
                yield line
        except Exception as error:
            logger.error("A stream ended with %s.", type(error).__name__)
            yield b'{"detail": "Something went wrong in the server. Ask for the other posts again."}\n'
