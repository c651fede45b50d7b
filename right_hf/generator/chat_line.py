"""The way to a chat server that a process shares: connections that stay open, and as many requests as it bears."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from huggingface_hub import AsyncInferenceClient

T = TypeVar("T")

#: Connections that a client of the Hub keeps open; with more it would open and close some at each request.
_KEPT_OPEN = 20

now = time.monotonic
sleep = asyncio.sleep


class Line:
    """Requests to one server, from batches of any number of threads, made in one thread of their own.

    When the server asks for a pause, all requests wait, and afterwards half as many are made at once; with each so many
    answers one more, up to `concurrency` again.

    Args:
        target: Which server it is: arguments of `AsyncInferenceClient`.
        concurrency: Requests under way at once.
        timeout: Seconds for a whole answer.
    """

    def __init__(self, target: dict[str, Any], concurrency: int, timeout: float) -> None:
        self.questions = asyncio.Semaphore(concurrency)  # held by each for all its attempts
        self._turns = asyncio.Semaphore(concurrency)  # held for one
        self._most = self._width = concurrency
        self._surplus = 0  # turns to be taken back when they end
        self._answers = 0
        self._not_before = self._narrowed_at = 0.0
        clients = -(-concurrency // _KEPT_OPEN)
        self._clients = [AsyncInferenceClient(**target, timeout=timeout) for _ in range(clients)]
        self._free = [self._clients[number % clients] for number in range(concurrency)]
        loop = self._loop = asyncio.new_event_loop()
        threading.Thread(target=_serve, args=(loop,), name="chat requests", daemon=True).start()
        weakref.finalize(self, _end, loop, self._clients, os.getpid())

    def run(self, task: Coroutine[Any, Any, T]) -> T:
        """Runs a task to its end; whoever waits for it may be interrupted, which ends it, too."""
        ended = threading.Event()

        async def run() -> T:
            try:
                return await task
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                ended.wait(5)
            raise

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[AsyncInferenceClient]:
        """Waits until one more request may be made, and gives the client that makes it."""
        async with self._turns_of_width():
            while (pause := self._not_before - now()) > 0:
                await sleep(pause)
            client = self._free.pop()
            try:
                yield client
            finally:
                self._free.append(client)

    @asynccontextmanager
    async def _turns_of_width(self) -> AsyncIterator[None]:
        await self._turns.acquire()
        try:
            yield
        finally:
            if self._surplus:
                self._surplus -= 1
            else:
                self._turns.release()

    def pause(self, seconds: float, asked_at: float) -> None:
        """Holds all requests back, since the server told one that was made at a certain time to wait."""
        self._not_before = max(self._not_before, now() + seconds)
        if asked_at >= self._narrowed_at:  # those that were under way together are told the same
            self._narrowed_at = now()
            narrower = max(1, self._width // 2)
            self._surplus += self._width - narrower
            self._width, self._answers = narrower, 0

    def answered(self) -> None:
        """Takes note that the server answers."""
        self._answers += 1
        if self._answers >= self._width < self._most:
            self._width, self._answers = self._width + 1, 0
            if self._surplus:
                self._surplus -= 1
            else:
                self._turns.release()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop, clients: list[AsyncInferenceClient], process: int) -> None:
    """Closes the connections, unless they are those of a parent."""

    async def close() -> None:
        for client in clients:
            await client.close()  # type: ignore[no-untyped-call]
        loop.stop()

    if os.getpid() == process and not loop.is_closed():
        asyncio.run_coroutine_threadsafe(close(), loop)
