"""What the child of a fork must do with objects that it got from its parent, and how many cores a child takes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

from threadpoolctl import threadpool_limits
from typing_extensions import Self

T = TypeVar("T")

#: Objects that cannot be used in the child of a fork; while there are any, processes are begun by "spawn".
UNFORKABLE: WeakSet[object] = WeakSet()
#: What a child has of its parents: to free it would wait for threads, or end connections, that are not the child's.
_OF_PARENTS: list[Any] = []


def renewed_in_children(renew: Callable[[T], None]) -> WeakSet[T]:
    """A set of objects with each of which `renew` is called in every child of a fork; it keeps none of them alive."""
    members: WeakSet[T] = WeakSet()

    def renew_all() -> None:
        for member in list(members):
            renew(member)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_all)
    return members


def leave_to_parents(thing: Any) -> None:
    """Lets a child forget something without its being closed or freed."""
    _OF_PARENTS.append(thing)


class Lock:
    """A lock that a child of a fork and a copy begin with unlocked: who held it is a thread that is not there.

    Args:
        again: Whether the thread that holds it may take it again.
    """

    def __init__(self, again: bool = False) -> None:
        self._again = again
        self._renew()

    def _renew(self) -> None:
        self._lock: Any = threading.RLock() if self._again else threading.Lock()
        _LOCKS.add(self)

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[bool]]:
        return Lock, (self._again,)


_LOCKS: WeakSet[Lock] = renewed_in_children(Lock._renew)


def take_one_core() -> None:
    """Lets PyTorch and NumPy compute in one thread, unless OMP_NUM_THREADS says in how many.

    Several processes whose threads wait for each other on the same cores are slower than one; and the threads of a
    parent are missing in the child of a fork, which may wait for them for ever.
    """
    if os.environ.get("OMP_NUM_THREADS"):
        return
    threadpool_limits(1)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


def take_one_core_in_a_pool() -> None:
    """The same where this process is one of a pool's."""
    if multiprocessing.parent_process() is not None:
        take_one_core()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=take_one_core)
