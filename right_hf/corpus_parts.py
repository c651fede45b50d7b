"""Parts of a corpus: posts that came together, and which of them are still there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.post_table import PostTable
from right_hf.posts import Post


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Posts that came to the corpus together.

    Attributes:
        posts: The posts in the order of their ids; never changed.
        alive: (posts,) which of them are still in the corpus.
    """

    posts: PostTable
    alive: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, posts: PostTable) -> Part:
        """A part of which no post is gone."""
        return cls(posts, np.ones(len(posts), dtype=bool))

    def carriers(self, number: int, most: int) -> list[Post]:
        """Up to `most` of the posts still there that carry the hashtag of a number, the last first."""
        return [self.posts[row] for row in self._carriers(number, most)]

    def beside(self, number: int, most: int) -> list[list[int]]:
        """The numbers of the hashtags of each of these posts, that one among them."""
        return [self.posts.numbers_of(row) for row in self._carriers(number, most)]

    def _carriers(self, number: int, most: int) -> list[int]:
        found = self.posts.carriers(number)
        rows: list[int] = found[self.alive[found]][::-1][:most].tolist()
        return rows

    @property
    def live(self) -> int:
        """How many of the posts are still there."""
        return int(np.count_nonzero(self.alive))

    def row(self, post_id: str) -> int | None:
        """The row of a post that is still there, or None."""
        row = self.posts.row(post_id)
        return row if row is not None and self.alive[row] else None

    def rows(self, post_ids: Iterable[str]) -> list[int]:
        """The rows of those of these posts that are still there."""
        return [row for post_id in post_ids if (row := self.row(post_id)) is not None]

    def without(self, rows: Sequence[int]) -> Part:
        """The part after some of its posts are gone."""
        alive = self.alive.copy()
        alive[rows] = False
        return Part(self.posts, alive)


class Place(NamedTuple):
    """Where a post is kept: the number of the part, and the row in it."""

    part: int
    row: int


def merge_parts(parts: Sequence[Part]) -> tuple[Part, npt.NDArray[np.int64]]:
    """Puts parts together into one, without the posts that are gone.

    Returns:
        The new part, and (posts,) the row of each of its posts in the parts laid end to end.
    """
    rows = np.flatnonzero(np.concatenate([part.alive for part in parts]))
    posts = PostTable.join([part.posts for part in parts])
    order = posts.by_id(rows)
    return Part.of(posts.take(order)), order


def without_repeats(posts: Iterable[Post]) -> list[Post]:
    """Posts in the order of their ids.

    Raises:
        ValueError: An id occurs twice.
    """
    ordered = sorted(posts, key=attrgetter("id"))
    twice = next((a.id for a, b in pairwise(ordered) if a.id == b.id), None)
    if twice is not None:
        raise ValueError(f"The id {twice!r} occurs twice in the corpus. Ids must be unique")
    return ordered
