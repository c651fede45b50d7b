from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connections_are_refused(method: str, refused_connections: list[str]) -> None:
    with socket.socket() as client, pytest.raises(RuntimeError, match="without a network"):
        getattr(client, method)(("127.0.0.1", 9))
    assert refused_connections == ["('127.0.0.1', 9)"]
    refused_connections.clear()  # else this test would fail, as it should


@pytest.mark.loopback
def test_a_marked_test_may_connect_to_this_machine_only(refused_connections: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
    with socket.socket() as client, pytest.raises(RuntimeError, match="without a network"):
        client.connect(("192.0.2.1", 80))
    with pytest.raises(RuntimeError, match="without a network"):
        socket.create_connection(("hub.invalid", 443))
    refused_connections.clear()
