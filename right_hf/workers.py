"""Batches answered by several processes: Python runs on one core a process."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from right_hf.forks import UNFORKABLE, take_one_core

B = TypeVar("B")
R = TypeVar("R")

#: From what answers a batch, and the batches, to the answers in their order: [`in_order`] with some number of
#: processes, those of a cluster ([`right_hf.bulk.engines`]), or `map`, which is this process alone.
Engine = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]

#: Batches that wait for each process or are being answered by it.
_AHEAD = 2


def in_order(answer: Callable[[B], R], batches: Iterable[B], workers: int) -> Iterator[R]:
    """Yields what `answer` gives for each batch, in their order; few batches are read ahead.

    Args:
        answer: Answers a batch. What it holds is copied into each process; later changes do not reach them.
        batches: The batches.
        workers: Processes; with 0 or 1 this one does the work.

    Raises:
        RuntimeError: A process was killed, as happens where memory runs out.
    """
    if workers < 2:
        yield from map(answer, batches)
        return
    context = multiprocessing.get_context(_start_method())
    with ProcessPoolExecutor(workers, context, _take, (answer,)) as pool:
        waiting: deque[Future[R]] = deque()
        unread: list[Exception] = []
        try:
            for batch in _until_error(batches, unread):
                waiting.append(pool.submit(_answered, batch))
                while waiting and (waiting[0].done() or len(waiting) >= _AHEAD * workers):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise RuntimeError(
                f"One of {workers} worker processes was killed; perhaps memory ran out. Use fewer workers."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if unread:
        raise unread[0]


def _until_error(batches: Iterable[B], unread: list[Exception]) -> Iterator[B]:
    """The batches up to an error, which comes after the answers to them, as with one process."""
    try:
        yield from batches
    except Exception as error:
        unread.append(error)


def _start_method() -> str:
    """A fork shares the memory of its parent; where that cannot be, what a process needs is pickled."""
    return "fork" if sys.platform == "linux" and not UNFORKABLE else "spawn"


_ANSWER: list[Callable[[Any], Any]] = []


def _take(answer: Callable[[Any], Any]) -> None:
    """What a process begins with: its work, and one core for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted, and ends it
    _ANSWER[:] = [answer]
    take_one_core()


def _answered(batch: Any) -> Any:
    return _ANSWER[0](batch)
