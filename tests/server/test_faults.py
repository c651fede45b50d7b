"""A server in a process of its own, with clients that mean harm or have bad luck."""

from __future__ import annotations

import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from right_hf import BM25Retriever
from tests.support.server import Running, running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.loopback,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals"),
]

NEW = {"text": "Glaciers and warm seas", "hashtags": ["#GlacierMelt"]}
BODY = {"posts": "Warm seas and the coral reef"}
HEAD = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture
def options(checkpoint: str, index: Path) -> list[str]:
    return [checkpoint, "--no-generator", "--no-ranker", "--open", str(index)]


@pytest.fixture
def server(tmp_path: Path, options: list[str]) -> Iterator[Running]:
    with running(tmp_path / "log", *options, "--timeout", "2", "--max-connections", "40") as server:
        yield server
        assert server.client.post("/recommend", json=BODY).status_code == 200  # it goes on
        assert server.stop() == 0
        assert "Traceback" not in server.log.read_text()


def exchange(server: Running, *pieces: bytes, pause: float = 0.0) -> str:
    """What comes back of bytes until the server closes the connection."""
    with closing(socket.create_connection(server.address, timeout=30)) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        found = b""
        while piece := client.recv(65_536):
            found += piece
        return found.decode()


def hammered(server: Running, work: Callable[[httpx.Client, int], None], threads: int) -> list[threading.Thread]:
    """Threads that work until the server is gone."""

    def run(thread: int) -> None:
        with httpx.Client(base_url=server.url, headers=server.client.headers, timeout=60) as client:
            for turn in range(10**9):
                try:
                    work(client, thread * 10**6 + turn)
                except httpx.TransportError:
                    return

    started = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for thread in started:
        thread.start()
    return started


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_no_acknowledged_post_is_lost_under_load(
    tmp_path: Path, options: list[str], index: Path, how: signal.Signals
) -> None:
    acknowledged: list[str] = []
    statuses: set[int] = set()

    def work(client: httpx.Client, number: int) -> None:
        answer = client.post("/posts", json={"id": str(number), **NEW})
        statuses.add(answer.status_code)
        if answer.status_code == 201:
            acknowledged.append(str(number))
        statuses.add(client.post("/recommend", json=BODY).status_code)

    with running(tmp_path / "log", *options) as server:
        threads = hammered(server, work, 8)
        while len(acknowledged) < 100:
            time.sleep(0.01)
        code = server.stop(how)
        for thread in threads:
            thread.join()
        assert code == (0 if how == signal.SIGTERM else -how)
        assert "Traceback" not in server.log.read_text()
    assert statuses <= {200, 201, 503}
    with closing(BM25Retriever.open(index)) as survived:
        assert all(survived.corpus.get(post_id) for post_id in acknowledged)
        unsaid = {post.id for post in survived.corpus} - {*acknowledged} - {f"e{n:02}" for n in range(1, 13)}
        assert len(unsaid) <= (8 if how == signal.SIGKILL else 0)


def test_what_was_begun_is_finished(tmp_path: Path, options: list[str]) -> None:
    with running(tmp_path / "log", *options, "--batch-size", "1") as server:
        posts = [f"{BODY['posts']} {number}" for number in range(200)]
        with server.client.stream(
            "POST", "/recommend", json={"posts": posts}, headers={"Accept": "application/x-ndjson"}
        ) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.process.send_signal(signal.SIGTERM)
            assert sum(1 for _ in lines) == 199
        assert server.process.wait(60) == 0


def test_the_second_server_on_an_index_only_reads(tmp_path: Path, options: list[str]) -> None:
    with running(tmp_path / "first", *options) as first, running(tmp_path / "second", *options) as second:
        assert first.client.get("/health").json()["writable"] is True
        health = second.client.get("/health").json()
        assert health["writable"] is False and "open for changes elsewhere" in health["reason"]
        assert second.client.post("/recommend", json=BODY).status_code == 200
        refused = second.client.post("/posts", json={"id": "n1", **NEW})
        assert refused.status_code == 409 and refused.json()["detail"] == health["reason"]
        assert first.client.post("/posts", json={"id": "n1", **NEW}).status_code == 201


def test_a_full_disk_is_said_and_overcome(tmp_path: Path, options: list[str], index: Path) -> None:
    # As on a full disk: what would make a file longer than this fails.
    with running(tmp_path / "log", *options) as server:
        unlimited = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
        statuses = [server.client.post("/posts", json={"id": str(n), **NEW}).status_code for n in range(30)]
        assert statuses[0] == 201 and statuses[-1] == 507 and set(statuses) == {201, 507}
        assert "Free space" in server.client.post("/posts", json={"id": "x", **NEW}).json()["detail"]
        assert server.client.post("/recommend", json=BODY).status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert server.client.post("/posts", json={"id": "after", **NEW}).status_code == 201
        server.stop(signal.SIGKILL)
    with closing(BM25Retriever.open(index)) as survived:
        kept = {post.id for post in survived.corpus if not post.id.startswith("e")}
        assert kept == {"after", *(str(n) for n, status in enumerate(statuses) if status == 201)}


def test_a_body_of_100_mb_is_not_taken(server: Running) -> None:
    for content in (b"a" * 100_000_000, (b"a" * 1_000_000 for _ in range(100))):
        try:
            answer = server.client.post("/recommend", content=content, headers={"Content-Type": "application/json"})
        except httpx.TransportError:  # it was closed while this still sent
            continue
        assert answer.status_code == 413 and "bytes allowed" in answer.json()["detail"]
    waiting = exchange(server, HEAD + b"Expect: 100-continue\r\nContent-Length: 100000000\r\n\r\n")
    assert waiting.startswith("HTTP/1.1 413") and "bytes allowed" in waiting


def test_a_million_allowed_are_not_taken(server: Running) -> None:
    for entries, status in (([str(number) for number in range(1_000_000)], 413), (["a"] * 500_000, 422)):
        answer = server.client.post("/recommend", json=BODY | {"allowed": entries})
        assert answer.status_code == status and answer.json()["detail"]


def test_half_a_request_is_not_waited_for(server: Running) -> None:
    for half in (
        HEAD,
        HEAD[:9],
        HEAD + b"Content-Length: 9\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{",
    ):
        assert exchange(server, half).startswith("HTTP/1.1 408") or half == b""
    assert exchange(server) == ""
    slow = exchange(server, HEAD + b"Content-Length: 99999\r\n\r\n", *[b"{"] * 2, pause=0.7)
    assert slow.startswith("HTTP/1.1 408") and "did not arrive within 2 seconds" in slow


def test_what_is_no_http_is_said(server: Running) -> None:
    for wrong in (b"\x16\x03\x01 hello\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000):
        found = exchange(server, wrong)
        assert found.startswith("HTTP/1.1 400") and found.endswith('"}')


def test_who_does_not_read_is_not_waited_for(server: Running) -> None:
    posts = [" ".join(f"warm sea coral {number}" for number in range(10))] * 200
    body = httpx.Request("POST", server.url, json={"posts": posts, "top_k": 100, "threshold": 0}).content
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        client.connect(server.address)
        request = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        client.sendall(request)
        time.sleep(1)
        assert server.client.post("/recommend", json=BODY).status_code == 200  # others are answered meanwhile


def test_there_are_only_so_many_connections(server: Running) -> None:
    idle = [socket.create_connection(server.address) for _ in range(40)]
    found = exchange(server, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert found.startswith("HTTP/1.1 503") and "connections are open" in found
    for client in idle:
        client.close()
    while server.client.get("/health").status_code == 503:
        time.sleep(0.05)


def test_ids_and_paths_with_dots(server: Running) -> None:
    for post_id in ("..", "../../etc/passwd", ".", "%2F", "a/../b", "a//b"):
        assert server.client.post("/posts", json={"id": post_id, **NEW}).status_code == 201
        path = quote(post_id, safe="").replace(".", "%2E").encode()
        head = b"Host: x\r\nConnection: close\r\nAuthorization: " + server.client.headers["Authorization"].encode()
        found = exchange(server, b"DELETE /posts/" + path + b" HTTP/1.1\r\n" + head + b"\r\n\r\n")
        assert found.startswith("HTTP/1.1 200"), (post_id, found)
    for path in (b"/../../etc/passwd", b"/posts/../../etc/passwd", b"//etc/passwd", b"/docs/../../x"):
        found = exchange(server, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert found.split()[1] in ("404", "405") and "root:" not in found


def test_wrong_tokens(server: Running) -> None:
    for token in ("wrong", "a" * 10_000):
        answer = server.client.post("/posts", json={"id": "n", **NEW}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    assert server.client.headers["Authorization"].split()[1] not in server.log.read_text()
