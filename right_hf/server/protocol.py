"""What uvicorn leaves open of HTTP: how long a request may take to arrive, and how many connections there may be."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from right_hf.server.settings import ServerSettings

#: Seconds for the request of a connection too many, which is then told so.
_BRIEF = 1.0


class _Deadline:
    """Calls something after some seconds, unless it is lifted before."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def set(self, due: Any) -> None:
        """Sets it, if it is not set."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, due)

    def lift(self) -> None:
        """Lifts it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedProtocol(H11Protocol):
    """uvicorn's HTTP with bounds; [`bounded`] gives it its settings."""

    settings: ServerSettings

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._receiving = _Deadline(self.settings.timeout)
        self._sending = _Deadline(self.settings.timeout)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Lets a connection in, if there are not too many."""
        super().connection_made(transport)
        self._is_one_too_many = len(self.connections) > self.settings.max_connections
        if self._is_one_too_many:
            self._receiving = _Deadline(_BRIEF)
        self._receiving.set(self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends."""
        self._receiving.lift()
        self._sending.lift()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes a piece of a request."""
        if self._is_one_too_many:  # told only now, for what closes with something unread gives its client no answer
            return self._answer(503, f"{self.settings.max_connections:,} connections are open. Ask again in a moment.")
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._receiving.set(self._too_slow)
        else:
            self._receiving.lift()

    def on_response_complete(self) -> None:
        """Waits for the next request, for as long as uvicorn keeps a connection."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._receiving.lift()

    def pause_writing(self) -> None:
        """Waits for somebody to read."""
        super().pause_writing()
        self._sending.set(self.transport.abort)

    def resume_writing(self) -> None:
        """Goes on."""
        super().resume_writing()
        self._sending.lift()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP."""
        self._answer(400, "This is no HTTP request that can be read, or its head is too long. Correct it.")

    def _too_slow(self) -> None:
        begun = self.conn.their_state is h11.SEND_BODY or self.conn.trailing_data[0]
        if begun and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(408, f"The request did not arrive within {self.settings.timeout:g} seconds. Send it again.")
        else:
            self.transport.close()

    def _answer(self, status: int, detail: str) -> None:
        """Answers without the app, and closes the connection."""
        body = json.dumps({"detail": detail}).encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *(["Retry-After: 1"] if status == 503 else []),
            "Connection: close",
            "\r\n",
        ]
        self.transport.write("\r\n".join(lines).encode() + body)
        self.transport.close()


def bounded(settings: ServerSettings) -> type[BoundedProtocol]:
    """The protocol under some settings, for uvicorn, which makes protocols itself."""
    return type("BoundedProtocol", (BoundedProtocol,), {"settings": settings})
