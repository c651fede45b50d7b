"""Sockets that connections are taken from."""

from __future__ import annotations

import os
import socket


def bind(host: str, port: int) -> socket.socket:
    """A socket that has an address of this machine, and accepts nothing yet.

    Raises:
        OSError: The address is taken, or not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    # With the protocol named: without, asyncio leaves Nagle's algorithm on, and an answer waits 40 ms for its body.
    bound = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else it stays taken for a while after an end
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
