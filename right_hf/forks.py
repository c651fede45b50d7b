"""What the child of a fork must do with objects that it got from its parent."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakSet

T = TypeVar("T")

#: Objects that cannot be used in the child of a fork; while there are any, processes are begun by "spawn".
UNFORKABLE: WeakSet[object] = WeakSet()


def renewed_in_children(renew: Callable[[T], None]) -> WeakSet[T]:
    """A set of objects with each of which `renew` is called in every child of a fork; it keeps none of them alive."""
    members: WeakSet[T] = WeakSet()

    def renew_all() -> None:
        for member in list(members):
            renew(member)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew_all)
    return members
