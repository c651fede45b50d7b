"""What every selector offers, whatever it compares posts and hashtags with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from right_hf.component import Component
from right_hf.encoders import Matrix
from right_hf.retriever.base import Hit
from right_hf.selector.ranking import Candidate
from right_hf.vocabulary import Vocabulary


class Selector(Component):
    """Ranks the hashtags of retrieved posts so that the mainstream one wins (paper, section 2.2)."""

    role = "selector"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Embeds posts: (len(texts), d)."""
        raise NotImplementedError

    def embed_hashtags(self, hashtags: Sequence[str]) -> Matrix:
        """Embeds hashtags, (len(hashtags), d): in the space of posts, and as posts unless a selector says otherwise."""
        return self.embed(hashtags)

    def prepare(self, hashtags: Sequence[str]) -> None:
        """Embeds the hashtags of a corpus ahead, each once."""
        raise NotImplementedError

    def rank(
        self, posts: Sequence[str], hits: Sequence[Sequence[Hit]], vectors: Matrix | None = None
    ) -> list[list[Candidate]]:
        """Ranks the hashtags of each post's hits; all of them, best first.

        Args:
            posts: Cleaned posts.
            hits: The hits of each.
            vectors: (len(posts), d) the posts, where they are embedded already.
        """
        raise NotImplementedError

    def cosines(self, vectors: Matrix, hashtags: Sequence[Sequence[str]]) -> list[list[float]]:
        """S(t, h) of equation 1 between each embedded post, (P, d), and each of its hashtags, in [-1, 1]."""
        raise NotImplementedError

    def nearest(
        self, vectors: Matrix, count: int, is_wanted: Callable[[str], bool], *, allowed: Vocabulary | None = None
    ) -> list[list[str]]:
        """The hashtags that lie nearest to embedded posts, among all that were prepared or are allowed; best first.

        Args:
            vectors: (P, d) embedded posts.
            count: Hashtags for each, fewer where there are fewer.
            is_wanted: Says of a hashtag whether it may be among them.
            allowed: The hashtags that may be among them at all, in whatever form they were prepared, and whether they
                were or not; None for all that were.
        """
        raise NotImplementedError

    def save_embeddings(self, folder: Path, hashtags: Sequence[str]) -> None:
        """Writes the embeddings of an index's hashtags beside it, so that loading need not make them again."""

    def load_embeddings(self, folder: Path) -> bool:
        """Takes up the embeddings kept beside an index, if there are any and this selector made them."""
        return False
