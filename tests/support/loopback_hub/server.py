"""The HTTP side: the routes that huggingface_hub, transformers and datasets call."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.loopback_hub.answers import Answer, Refusal
from tests.support.loopback_hub.api import ROUTES
from tests.support.loopback_hub.faults import Fault
from tests.support.loopback_hub.store import Repo
from tests.support.loopback_hub.xet import Storage


class LoopbackHub:
    """A Hub that runs in a thread while a `with` block lasts.

    Attributes:
        tokens: User by token; a user may write under their own name only.
        repos: By kind ("model" or "dataset") and name.
        blobs: Uploaded large files by SHA-256, whether committed or not.
        part_size: Large files are to be sent in parts of so many bytes; None for whole ones.
        parts: Those that were sent, by SHA-256 of their file and number.
        has_xet: Whether it keeps large files in content-addressed storage, for clients that can.
        xet: That storage.
        requests: What was asked for so far: "METHOD /path".
    """

    def __init__(self) -> None:
        self.tokens = {"hf_user": "user", "hf_stranger": "stranger", "xet": "xet"}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.part_size: int | None = None
        self.parts: dict[tuple[str, int], bytes] = {}
        self.has_xet = True
        self.xet = Storage()
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.stopping = threading.Event()
        self.lock = threading.RLock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[LoopbackHub]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def repo(self, name: str, kind: str = "model") -> Repo:
        return self.repos[kind, name]

    def fail(self, pattern: str, **fault: Any) -> Fault:
        """Spoils the next answer (or `times`) to requests that match; see [`Fault`]."""
        self.faults.append(Fault(pattern, **fault))
        return self.faults[-1]

    def recover(self) -> None:
        self.faults.clear()

    def downloads(self) -> list[str]:
        """The files that were sent so far."""
        found = (re.match(r"GET /(?:datasets/)?(.+)/resolve/[^/]+/(.+)", request) for request in self.requests)
        return [f"{match[1]}:{match[2]}" for match in found if match]

    @contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Gives the list of the requests made in the block, complete when it ends."""
        seen: list[str] = []
        first = len(self.requests)
        yield seen
        seen.extend(self.requests[first:])


@dataclass(frozen=True)
class Call:
    """A request as the routes see it."""

    hub: LoopbackHub
    method: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def user(self) -> str | None:
        """Whose token it is; None without one."""
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            return None
        if token not in self.hub.tokens:
            raise Refusal(401, message="Invalid credentials in Authorization header")
        return self.hub.tokens[token]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


def _handler(hub: LoopbackHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            self._serve()

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def _serve(self) -> None:
            path = urlsplit(self.path).path
            request = f"{self.command} {unquote(path)}"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with hub.lock:
                hub.requests.append(request)
                fault = next((fault for fault in hub.faults if fault.strikes(request)), None)
            if fault and not fault.cut_after and (fault.hold or fault.cut_after == 0):
                return self._hang_up(fault)
            if fault and fault.status:
                return self._send(Answer(fault.status, b'{"error": "injected"}', fault.headers), None)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(hub, self.command, parse_qs(urlsplit(self.path).query), headers, body)
            answer = _dispatch(path, call)
            if fault and fault.cut_after_doing:
                return self._hang_up(fault)
            self._send(answer, fault)

        def _send(self, answer: Answer, fault: Fault | None) -> None:
            content, status, headers = answer.content, answer.status, dict(answer.headers)
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if match and status == 200 and "Accept-Ranges" in headers:
                first, last = int(match[1]), int(match[2] or len(content) - 1)
                headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
                content, status = content[first : last + 1], 206
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault and fault.cut_after is not None:
                self.wfile.write(content[: fault.cut_after])
                return self._hang_up(fault)
            self.wfile.write(fault.spoil(content) if fault else content)

        def _hang_up(self, fault: Fault) -> None:
            self.close_connection = True
            self.wfile.flush()
            if fault.hold:
                fault.struck.set()
                hub.stopping.wait()
            self.connection.shutdown(socket.SHUT_RDWR)

    return Handler


def _dispatch(path: str, call: Call) -> Answer:
    for method, pattern, route in ROUTES:
        if call.method in method.split("|") and (match := re.fullmatch(pattern, path)):
            arguments = {name: unquote(value) for name, value in match.groupdict().items() if value is not None}
            try:
                with call.hub.lock:
                    call.user  # noqa: B018  # a wrong token is refused wherever it is shown
                    found: Callable[..., Answer] = route
                    return found(call, **arguments)
            except Refusal as refusal:
                return refusal.answer()
    return Refusal(404, message=f"no such route: {call.method} {path}").answer()
