"""A client that does not read its answer, which no socket of this machine shows: its buffers hold too much."""

from __future__ import annotations

import asyncio
from unittest import mock

import uvicorn
from uvicorn.server import ServerState

from right_hf.server import ServerSettings
from right_hf.server.protocol import BoundedProtocol, bounded


def test_who_does_not_read_is_left() -> None:
    async def write(reads: bool) -> mock.Mock:
        config = uvicorn.Config(mock.Mock(), ws="none", log_config=None)
        protocol: BoundedProtocol = bounded(ServerSettings(timeout=0.02))(config, ServerState(), {})
        transport = mock.Mock()
        protocol.connection_made(transport)
        protocol._receiving.lift()
        protocol.pause_writing()
        if reads:
            protocol.resume_writing()
        await asyncio.sleep(0.1)
        return transport

    assert asyncio.run(write(reads=False)).abort.called
    assert not asyncio.run(write(reads=True)).abort.called
