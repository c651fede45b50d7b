"""A server on 127.0.0.1 that speaks OpenAI's chat completions, with faults to order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

#: What it answers: from the text of the last message.
Script = Callable[[str], str]


class Fault(NamedTuple):
    """Something that happens to one request instead of an answer.

    Attributes:
        kind: "status", "slow", "cut", "malformed", "empty", "drip", "null" or "hang".
        status: The HTTP status of kind "status".
        headers: Headers that go with it.
        seconds: How long a slow answer takes.
        body: What the server says.
    """

    kind: str
    status: int = 500
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    body: str = '{"error": "out of order"}'


class ChatServer:
    """What the server is to say, and what it has seen."""

    def __init__(self, script: Script) -> None:
        self.script = script
        #: Faults of the next requests, in order; None for a request that is answered.
        self.faults: list[Fault | None] = []
        #: Asked what happens to a request when there are none of those; it is counted as under way.
        self.judge: Callable[[], Fault | None] = lambda: None
        self.requests: list[dict[str, Any]] = []
        self.answered: list[str] = []
        #: The client's end of the connection of each request.
        self.peers: list[tuple[str, int]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.times: list[float] = []
        self.under_way = 0
        self.most_under_way = 0
        self.pause = 0.0
        self.hanging = threading.Event()
        self.released = threading.Event()
        #: Given once for each request that a slow or dripping answer has begun for.
        self.at_work = threading.Semaphore(0)
        self.lock = threading.Lock()
        self.base_url = ""

    def questions(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits for the acknowledgement of its headers
    state: ChatServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        state = self.state
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with state.lock:
            state.requests.append(request)
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            state.paths.append(self.path)
            state.times.append(time.monotonic())
            state.under_way += 1
            state.most_under_way = max(state.most_under_way, state.under_way)
            state.peers.append(self.client_address)
            fault = state.faults.pop(0) if state.faults else state.judge()
        time.sleep(state.pause)
        try:
            self.reply(request, fault)
        except OSError:
            pass  # the client is gone
        finally:
            with state.lock:
                state.under_way -= 1

    def reply(self, request: dict[str, Any], fault: Fault | None) -> None:
        content: str | None = None
        if fault is None or fault.kind != "null":
            content = self.state.script(request["messages"][-1]["content"])
        choices = [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}]
        completion = {"id": "1", "object": "chat.completion", "created": 0, "model": request["model"]}
        body = json.dumps({**completion, "choices": choices}).encode()
        if fault is None or fault.kind == "null":
            with self.state.lock:
                self.state.answered.append(request["messages"][-1]["content"])
            self.say(200, body)
        elif fault.kind == "status":
            self.say(fault.status, fault.body.encode(), fault.headers)
        elif fault.kind == "slow":
            self.state.at_work.release()
            self.state.released.wait(fault.seconds)
            self.say(200, body)
        elif fault.kind == "hang":
            self.state.hanging.set()
            self.state.released.wait(30)
            self.close_connection = True
        elif fault.kind == "cut":
            self.say(200, body[: len(body) // 2], length=len(body))
            self.close_connection = True
        elif fault.kind == "drip":  # each byte comes in time, the whole never does
            self.say(200, b"", length=len(body))
            for place, byte in enumerate(body):
                if self.state.released.wait(fault.seconds):
                    break
                self.wfile.write(bytes([byte]))
                if place == 3:
                    self.state.at_work.release()
            self.close_connection = True
        elif fault.kind == "malformed":
            self.say(200, b'{"choices": [{"mess')
        elif fault.kind == "empty":
            self.say(200, json.dumps({**completion, "choices": []}).encode())

    def say(
        self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = (), length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # so many connect at once


@contextmanager
def chat_server(script: Script = lambda question: "#cloud #dev ops") -> Iterator[ChatServer]:
    """Runs a server until the block ends."""
    state = ChatServer(script)
    handler = type("Handler", (_Handler,), {"state": state})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
