"""Results that are kept, of a function that gives the same for the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_KEPT = 100_000


class CorpusMemo(Generic[T]):
    """Keeps the results of a function of hashtags, none of which is None, as long as the corpus is the same one."""

    def __init__(self) -> None:
        self._latest: tuple[Any, dict[str, T]] = (None, {})

    def of(self, corpus: Any, hashtag: str, function: Callable[[str], T]) -> T:
        """What a function gives for a hashtag, for this corpus."""
        of_corpus, kept = self._latest  # at once, for another thread may come with another corpus
        if of_corpus is not corpus or len(kept) >= _KEPT:
            kept = {}
            self._latest = corpus, kept
        found = kept.get(hashtag)
        if found is None:
            found = kept[hashtag] = function(hashtag)
        return found

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
