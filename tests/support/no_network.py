"""A guard that no test opens a network connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

_attempts: list[str] = []
_loopback_allowed = False


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        local = self.family == socket.AF_UNIX or (_loopback_allowed and address[0] == "127.0.0.1")
        if not local:
            _attempts.append(repr(address))
            raise RuntimeError(f"A test tried to connect to {address!r}. Tests run without a network.")
        return connect(self, address)

    return guarded


def _guarded_look_up(look_up: Any) -> Any:
    def guarded(host: Any, *arguments: Any, **settings: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1"):
            _attempts.append(repr(host))
            raise RuntimeError(f"A test asked for the address of {host!r}. Tests run without a network.")
        return look_up(host, *arguments, **settings)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def guard_sockets() -> Iterator[None]:
    """Refuses connections, also those of the session's fixtures."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_look_up(socket.getaddrinfo))
        yield


@pytest.fixture(autouse=True)
def refused_connections(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fails a test that tried to connect, even where a library swallowed the refusal; gives the attempts so far."""
    global _loopback_allowed
    _loopback_allowed = request.node.get_closest_marker("loopback") is not None
    yield _attempts
    _loopback_allowed = False
    attempts = _attempts.copy()
    _attempts.clear()
    assert not attempts, f"the test tried to connect to {', '.join(attempts)}"
