"""Listening, and ending when told to."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn

from right_hf.listening import bind
from right_hf.server.app import create_app
from right_hf.server.protocol import bounded
from right_hf.server.service import Service
from right_hf.server.settings import ServerSettings

#: Connections that wait to be taken.
_BACKLOG = 1_024
#: Seconds after which a thread that computes lets another one go on.
_TURN = 0.0005


class _Server(uvicorn.Server):
    """uvicorn's server, which refuses what comes after it was told to stop.

    Args:
        config: uvicorn's.
        stop: Called when it is.
    """

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Is told to stop."""
        self._stop()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """A socket that connections are taken from.

    Raises:
        OSError: The address is taken, or not this machine's; the message says what to do.
    """
    try:
        listener = bind(host, port)
        listener.listen(_BACKLOG)
        return listener
    except OSError as error:
        raise OSError(
            f"{host}:{port} cannot be listened on ({error.strerror or error}). Choose another --port, or a --host of "
            "this machine."
        ) from error


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def serve(service: Service, settings: ServerSettings, listener: socket.socket) -> None:
    """Answers until the process is told to stop (SIGTERM, or SIGINT, which raises KeyboardInterrupt in the end).

    What was begun by then is finished, for `settings.timeout` seconds at most; what comes later is refused.

    Args:
        service: What answers; closed in the end.
        settings: What is allowed.
        listener: Where connections come from, see [`listen`].
    """
    app = create_app(service, settings)
    config = uvicorn.Config(
        app,
        http=bounded(settings),
        ws="none",
        log_config=None,
        access_log=False,  # it would hold what people type
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.timeout)),
    )
    # The thread that answers computes, the other one talks: by default it would wait 5 ms for its turn, each time.
    sys.setswitchinterval(_TURN)
    # uvicorn raises the signal again when all is done, and the process ends as it should, not by the signal.
    signal.signal(signal.SIGTERM, lambda *_: None)
    _Server(config, app.state.endpoints.stop).run([listener])
