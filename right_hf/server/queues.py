"""Requests that wait: for the model, in batches, and for the corpus to be changed, one by one.

Of the libraries for this, `batched` pads tensors and `async-batcher` waits before each batch; neither says no when too
many wait, nor keeps requests apart that ask for different things. So it is done here, with one thread each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from right_hf.server.refused import RefusedError

K = TypeVar("K", bound=Hashable)
P = TypeVar("P")
R = TypeVar("R")


class _Queue:
    """Counts what waits, and refuses what would be too much.

    Args:
        name: Of its thread.
        most: How many may wait.
    """

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._executor = ThreadPoolExecutor(1, name)
        self._stopping = False
        #: How many wait to be begun or, of changes, to be done.
        self.waiting = 0

    def _admit(self, count: int) -> None:
        if self._stopping:
            raise RefusedError(503, "This server is about to stop. Ask again in a moment.", retry_after=5)
        if self.waiting + count > self._most:
            raise RefusedError(
                429,
                f"{self.waiting} posts or changes wait already, and with {count} more there would be over {self._most}."
                " Ask again in a moment, or send fewer at once.",
                retry_after=1,
            )
        self.waiting += count

    def refuse(self) -> None:
        """Takes nothing more; what waits is done."""
        self._stopping = True

    def close(self) -> None:
        """Ends when all that was begun is done."""
        self.refuse()
        self._executor.shutdown()


class Turns(_Queue):
    """Makes changes one by one, in the order in which they come."""

    async def take(self, change: Callable[[], R]) -> R:
        """Makes a change.

        Raises:
            RefusedError: Too many wait, or the server is about to stop.
        """
        self._admit(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, change)
        finally:
            self.waiting -= 1


class _Entry(NamedTuple, Generic[P, R]):
    post: P
    answer: asyncio.Future[R]


class Batches(_Queue, Generic[K, P, R]):
    """Answers what waits in batches: while one is answered, the next one gathers.

    Args:
        answer: Answers some posts that were asked about with the same options; called in one thread.
        size: Posts that are answered at once.
        most: Posts that may wait.
        seen: Told the size of each batch.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[P], K], Sequence[R]],
        size: int,
        most: int,
        seen: Callable[[int], object] = lambda size: None,
    ) -> None:
        super().__init__("answering", most)
        self._answer = answer
        self._size = size
        self._seen = seen
        self._groups: dict[K, deque[_Entry[P, R]]] = {}  # those that wait, by options; the next ones first
        self._working: asyncio.Task[None] | None = None

    def ask(self, posts: Sequence[P], options: K) -> list[asyncio.Future[R]]:
        """The answers of some posts, as they come.

        Raises:
            RefusedError: Too many wait, or the server is about to stop.
        """
        self._admit(len(posts))
        loop = asyncio.get_running_loop()
        entries = [_Entry[P, R](post, loop.create_future()) for post in posts]
        self._groups.setdefault(options, deque()).extend(entries)
        if self._working is None:
            self._working = loop.create_task(self._work())
        return [entry.answer for entry in entries]

    async def _work(self) -> None:
        """Answers until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._groups:
            options, entries = self._next()
            if not entries:
                continue
            self._seen(len(entries))
            posts = [entry.post for entry in entries]
            answers = await loop.run_in_executor(self._executor, self._answers, posts, options)
            for entry, answer in zip(entries, answers, strict=True):
                if entry.answer.cancelled():
                    continue
                if isinstance(answer, Exception):
                    entry.answer.set_exception(answer)
                else:
                    entry.answer.set_result(answer)
        self._working = None

    def _next(self) -> tuple[K, list[_Entry[P, R]]]:
        """The next batch; those of the same options that do not fit in go behind the others."""
        options = next(iter(self._groups))
        group = self._groups.pop(options)
        entries = [group.popleft() for _ in range(min(self._size, len(group)))]
        if group:
            self._groups[options] = group
        self.waiting -= len(entries)
        return options, [entry for entry in entries if not entry.answer.cancelled()]

    def _answers(self, posts: Sequence[P], options: K) -> Sequence[R | Exception]:
        """The answer of each post; one that fails takes no other one with it."""
        try:
            return self._answer(posts, options)
        except Exception as error:
            if len(posts) == 1:
                return [error]
            return [self._answers([post], options)[0] for post in posts]
