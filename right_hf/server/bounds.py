"""How large a request may be, and what a failure that nobody foresaw looks like."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message

from right_hf.server.refused import RefusedError
from right_hf.server.schemas import PostText, RecommendRequest, Records
from right_hf.server.settings import ServerSettings

logger = logging.getLogger(__name__)

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BoundedRoute(APIRoute):
    """A route whose body is counted while it is read, and whose failures tell no log what a post says."""

    def get_route_handler(self) -> Handler:
        """Wraps the handler."""
        return partial(_bounded, super().get_route_handler())


async def _bounded(handler: Handler, request: Request) -> Response:
    settings: ServerSettings = request.app.state.settings
    try:
        return await handler(Request(request.scope, partial(_receive, request, settings.max_body, [0])))
    except (HTTPException, RequestValidationError, RefusedError):
        raise
    except Exception as error:
        where = "".join(traceback.format_tb(error.__traceback__))
        what = str(error) if settings.log_posts else "its message may hold a post, see --log-posts"
        logger.error("%s (%s)\n%s", type(error).__name__, what, where)
        raise RefusedError(500, "Something went wrong in the server; its log says where.") from None


async def _receive(request: Request, most: int, received: list[int]) -> Message:
    """The next piece of a body, until it is too large."""
    said = request.headers.get("content-length", "0")
    if said.isascii() and said.isdigit() and int(said[:20]) > most:
        raise _too_large(most)
    message = await request.receive()
    received[0] += len(message.get("body", b""))
    if received[0] > most:
        raise _too_large(most)
    return message


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"The body has more than the {most:,} bytes allowed. Send less at once.")


def texts_within(request: RecommendRequest, settings: ServerSettings) -> list[str]:
    """The posts of a request, if neither they nor its lists are too many or too long.

    Raises:
        RefusedError: They are.
    """
    posts = request.posts if isinstance(request.posts, list) else [request.posts]
    texts = [post.text if isinstance(post, PostText) else post for post in posts]
    _check_count("posts", len(texts), settings.max_posts)
    for name in ("allowed", "preferred", "blocked"):
        entries = getattr(request, name) or ()
        _check_count(name, len(entries), settings.max_hashtags)
        _check_lengths(f"an entry of {name}", entries, settings)
    _check_lengths("a post", texts, settings)
    return texts


def records_within(records: Records, settings: ServerSettings) -> list[dict[str, Any]]:
    """The posts that somebody adds, if they are neither too many nor too long.

    Raises:
        RefusedError: They are.
    """
    listed = records if isinstance(records, list) else [records]
    _check_count("posts", len(listed), settings.max_posts)
    found = [record.model_dump() for record in listed]
    for record in found:
        for name, value in record.items():
            values = value if isinstance(value, list) else [value or ""]
            _check_count(name, len(values), settings.max_hashtags)
            _check_lengths(f"the {name} of a post", values, settings)
    return found


def _check_count(name: str, count: int, most: int) -> None:
    if count > most:
        raise RefusedError(422, f"Got {count:,} {name}, expected at most {most:,}. Send fewer at once.")


def _check_lengths(name: str, texts: Sequence[str], settings: ServerSettings) -> None:
    if (longest := max(map(len, texts), default=0)) > settings.max_characters:
        raise RefusedError(
            422, f"The characters of {name} are {longest:,}, and {settings.max_characters:,} are allowed. Shorten it."
        )
