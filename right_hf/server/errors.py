"""Every error as JSON with one sentence, which holds no whole post."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from right_hf.server.refused import RefusedError
from right_hf.server.schemas import Problem

#: What each status means, for the description of the API.
MEANINGS = {
    401: "The token is missing or wrong.",
    403: "The server has no token, so that nobody may change anything.",
    404: "There is no such post.",
    408: "The request took too long to arrive.",
    409: "The id is taken, or the corpus takes no changes.",
    413: "The body is too large.",
    422: "The request is none that can be answered.",
    429: "Too many posts wait.",
    503: "The server is about to stop, or has too many connections.",
    507: "The index could not be written.",
}
_INSTEAD = {
    404: "There is nothing here. See /docs for what there is.",
    405: "This method is not for this address. See /docs for what is.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an endpoint, as FastAPI describes them."""
    return {status: {"model": Problem, "description": MEANINGS[status]} for status in statuses}


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as it is answered."""
    return JSONResponse({"detail": detail.encode("utf-8", "replace").decode()}, status, headers)


def answer_errors(app: FastAPI) -> None:
    """Lets an app answer all errors so."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _failed)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedError)
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.detail, headers)


async def _failed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # a body that cannot even be read, such as bytes that are no UTF-8
        return problem(422, "The body is no JSON in UTF-8 that can be read. Correct it.")
    headers = dict(error.headers or {})
    if error.status_code == 405:  # of all routes with this address, not of the first
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return problem(error.status_code, _INSTEAD.get(error.status_code, str(error.detail)), headers)


def _methods(request: Request) -> set[str]:
    """The methods that an address takes."""
    return {
        method.upper()
        for route in request.app.state.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods
    }


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Of what may be one post or several, the one that was meant fails deepest, or by more than its type.
    deepest = max(error.errors(), key=lambda found: (len(found["loc"]), not found["type"].endswith("_type")))
    return problem(422, _sentence(deepest))


def _sentence(found: dict[str, Any]) -> str:
    """One thing that is wrong, without what was given where that may be a post."""
    kind, place = found["type"], ".".join(str(part)[:80] for part in found["loc"])
    if kind == "json_invalid":
        return f"The body is no JSON: {found['ctx']['error']}, at character {found['loc'][-1]}. Correct it."
    if kind == "missing" and found["loc"] == ("body",):
        return "The request has no body. Send JSON with the header Content-Type: application/json; /docs has examples."
    given = found.get("input")
    shown = f"{given!r:.40}" if isinstance(given, (bool, int, float, type(None))) else type(given).__name__
    message = str(found["msg"])[:300]
    return f"{place}: {message}, got {shown}. See /docs for what is expected."
