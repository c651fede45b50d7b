"""Results that are kept, of a function that gives the same for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_KEPT = 100_000


class Memo(Generic[T]):
    """A function that keeps its latest results. Unlike what `lru_cache` gives, a copy is one of a copied function.

    Args:
        function: The function; its arguments can be hashed.
    """

    def __init__(self, function: Callable[..., list[T]]) -> None:
        self._function = function
        self._kept = lru_cache(maxsize=_KEPT)(function)

    def __call__(self, *arguments: Any) -> list[T]:
        """What the function gives; nobody may change it."""
        return self._kept(*arguments)

    def __getstate__(self) -> Callable[..., list[T]]:
        return self._function

    def __setstate__(self, function: Callable[..., list[T]]) -> None:
        self.__init__(function)  # type: ignore[misc]
