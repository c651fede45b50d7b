"""What every retriever offers, whatever it searches with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from right_hf.corpus import Corpus
from right_hf.posts import Post


class Hit(NamedTuple):
    """A retrieved post and its similarity to the query (on the retriever's own scale)."""

    post: Post
    score: float


class Retriever(Protocol):
    """Finds the posts of a corpus that are most similar to a given one (paper, section 2.1)."""

    @property
    def corpus(self) -> Corpus:
        """The posts that are searched."""
        ...

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """Retrieves up to `k` posts a query, ordered by (-score, id).

        Args:
            queries: Cleaned posts.
            k: Hits wanted for each query; fewer come back where fewer posts match.
            exclude: For each query the ids that must not be returned.
        """
        ...

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes everything that `from_pretrained` needs into `folder`."""
        ...


@runtime_checkable
class LivingRetriever(Retriever, Protocol):
    """A retriever whose corpus changes while it serves. Every change is whole: a search sees all of it or nothing."""

    def add(self, posts: Sequence[Post]) -> None:
        """Adds posts; their ids must be new."""
        ...

    def remove(self, ids: Collection[str]) -> None:
        """Removes the posts with these ids, which must be there."""
        ...

    def update(self, posts: Sequence[Post]) -> None:
        """Puts posts in the place of those with the same ids, which must be there."""
        ...


def check_search(queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None) -> None:
    """Refuses arguments of a search that fit no retriever.

    Raises:
        TypeError: `queries` is one string.
        ValueError: `k` is less than 1, or `exclude` has another length than `queries`.
    """
    if isinstance(queries, str):
        raise TypeError(f"search() takes a list of queries, got one string. Pass [{queries!r:.40}].")
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    if exclude is not None and len(exclude) != len(queries):
        raise ValueError(f"Got {len(queries)} queries but {len(exclude)} sets of ids to exclude; give one a query.")


def flatten(lists: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Packs lists of different lengths: all values in one array, and where each list begins (one entry more)."""
    starts = np.zeros(len(lists) + 1, dtype=np.int64)
    np.cumsum([len(values) for values in lists], out=starts[1:])
    return np.asarray([value for values in lists for value in values], dtype=np.int32), starts
