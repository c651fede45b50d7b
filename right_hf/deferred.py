"""Parts of a model that are loaded when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from right_hf.forks import renewed_in_children

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)


class Deferred(Generic[P_co]):
    """A part that is loaded once, by the first thread that asks for it; others wait meanwhile.

    What loading raises is raised whenever somebody asks, for as long as it cannot be loaded.

    Args:
        load: Loads it.
        options: What it is loaded with.
    """

    def __init__(self, load: Callable[..., P_co], **options: Any) -> None:
        self._load = load
        self._options = options
        #: The part, once somebody has asked for it.
        self.loaded: P_co | None = None
        self._start_lock()
        _WAITING.add(self)

    def _start_lock(self) -> None:
        self._lock = threading.RLock()

    def get(self) -> P_co:
        """The part."""
        with self._lock:
            if self.loaded is None:
                self.loaded = self._load(**self._options)
            return self.loaded

    @property
    def device(self) -> Any:
        """Where it goes when it is loaded."""
        return self._options.get("device", "cpu")

    def to(self, device: Any) -> None:
        """Says where it goes when it is loaded; nothing where it already is."""
        with self._lock:
            self._options["device"] = device


_WAITING: WeakSet[Deferred[Any]] = renewed_in_children(Deferred._start_lock)


def made(part: P | Deferred[P]) -> P:
    """A part itself, loaded if need be."""
    return part.get() if isinstance(part, Deferred) else part
