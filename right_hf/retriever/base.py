"""What every retriever offers, whatever it searches with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

from right_hf.checks import whole_number
from right_hf.component import Component
from right_hf.corpus import Corpus
from right_hf.posts import Post

T = TypeVar("T")

#: Called with the posts that were removed and those that were added.
Follower = Callable[[Sequence[Post], Sequence[Post]], None]


#: Called with all posts, as a corpus, when following begins.
Start = Callable[[Corpus], None]


class Hit(NamedTuple):
    """A retrieved post and its similarity to the query (on the retriever's own scale)."""

    post: Post
    score: float


class Retriever(Component):
    """Finds the posts of a corpus that are most similar to a given one (paper, section 2.1).

    A subclass defines `corpus` and `search`. One whose corpus changes while it serves defines `add`, `remove`, `update`
    and `follow` too: every change is whole, so that a search sees all of it or nothing.
    """

    role = "retriever"

    @property
    def corpus(self) -> Corpus:
        """The posts that are searched."""
        raise NotImplementedError

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-score, id).

        Args:
            queries: Cleaned posts.
            k: Hits wanted for each query; fewer come back where fewer posts match.
            exclude: For each query the ids that must not be returned.

        Raises:
            TypeError: `queries` is one string.
            ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
        """
        raise NotImplementedError

    def search_parts(
        self, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> dict[str, list[list[Hit]]]:
        """The hits of each retriever that this one consists of, by name, at least `k` a query where there are.

        [`right_hf.retriever.fused_hits`] of these are its own hits.
        """
        return {self.type: self.search(queries, k, exclude)}

    def idf(self, text: str) -> list[float]:
        """The inverse document frequency of each term of a text; none of a stop word, or where terms play no part."""
        return []

    def holders(self, phrase: str) -> int:
        """How many posts hold all terms of a phrase; 0 where terms play no part."""
        return 0

    def add(self, posts: Iterable[Post]) -> None:
        """Adds posts; their ids must be new."""
        self._refuse_change()

    def remove(self, ids: Iterable[str]) -> None:
        """Removes the posts with these ids, which must be there."""
        self._refuse_change()

    def update(self, posts: Iterable[Post]) -> None:
        """Puts posts in the place of those with the same ids, which must be there."""
        self._refuse_change()

    def follow(self, follower: Follower, start: Start | None = None) -> None:
        """Calls `follower(removed, added)` with the posts of each change from now on, and first begins with all posts.

        Args:
            follower: Called by the thread that changes the corpus, one change at a time, in order.
            start: Called first with the corpus, and again where posts have changed that nobody can name; None for
                `follower((), corpus)`.
        """
        self._refuse_change()

    def steady(self) -> AbstractContextManager[object]:
        """Lasts while the corpus does not change."""
        return nullcontext()

    def refresh(self) -> bool:
        """Takes up what other processes changed where the corpus is shared with them; whether there was anything."""
        return False

    def _refuse_change(self) -> NoReturn:
        raise TypeError(
            f"The corpus of a {type(self).__name__} cannot change. Use a BM25Retriever or a LanceRetriever."
        )


def keep_in_step(retriever: Retriever, follower: Follower, start: Start | None = None) -> None:
    """Tells a follower of all posts now and, where the corpus can change, of each change; see [`Retriever.follow`]."""
    try:
        retriever.follow(follower, start)
    except TypeError:  # it cannot
        begin(retriever.corpus, follower, start)


def begin(corpus: Corpus, follower: Follower, start: Start | None) -> None:
    """Tells a follower of all posts of a corpus."""
    if start is None:
        follower((), corpus)
    else:
        start(corpus)


def listed(values: Iterable[T]) -> list[T]:
    """Posts or ids as a list, which can be read more than once.

    Raises:
        TypeError: It is one post or id.
    """
    if isinstance(values, (str, Post)):
        raise TypeError(f"Give a list of posts or of ids, got one: {values!r:.80}.")
    return list(values)


def check_search(queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None) -> None:
    """Refuses arguments of a search that fit no retriever.

    Raises:
        TypeError: `queries` is one string.
        ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
    """
    if isinstance(queries, str):
        raise TypeError(f"search() takes a list of queries, got one string. Pass [{queries!r:.40}].")
    whole_number(k, "k")
    if exclude is not None and len(exclude) != len(queries):
        raise ValueError(f"Got {len(queries)} queries but {len(exclude)} sets of ids to exclude; give one a query.")


def flatten(lists: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Packs lists of different lengths: all values in one array, and where each list begins (one entry more)."""
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(values) for values in lists], out=starts[1:])
    return np.asarray([value for values in lists for value in values], dtype=np.int32), starts
