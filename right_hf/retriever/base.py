"""What every retriever offers, whatever it searches with."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from right_hf.corpus import Corpus
from right_hf.posts import Post


class Hit(NamedTuple):
    """A retrieved post and its similarity to the query (on the retriever's own scale)."""

    post: Post
    score: float


class Retriever(Protocol):
    """Finds the posts of a corpus that are most similar to a given one (paper, section 2.1)."""

    corpus: Corpus

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
