"""Results that are kept, of a function that gives the same for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_KEPT = 100_000


class CorpusMemo(Generic[T]):
    """A function of hashtags that keeps its results as long as the corpus is the same one."""

    def __init__(self) -> None:
        self._corpus: Any = None
        self._kept: dict[str, T] = {}

    def of(self, corpus: Any, hashtag: str, function: Callable[[str], T]) -> T:
        """What a function gives for a hashtag, for this corpus."""
        if corpus is not self._corpus:
            self._corpus, self._kept = corpus, {}
        kept = self._kept  # another thread, with another corpus, may put a new one in its place
        if hashtag not in kept:
            if len(kept) >= _KEPT:
                kept.clear()
            kept[hashtag] = function(hashtag)
        return kept[hashtag]

    def __reduce__(self) -> tuple[type[CorpusMemo[T]], tuple[()]]:
        return type(self), ()


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
