"""Parts of a corpus: posts that came together, and which of them are still there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.posts import Post

_id = attrgetter("id")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Posts that came to the corpus together.

    Attributes:
        posts: The posts in the order of their ids; never changed.
        alive: (posts,) which of them are still in the corpus.
    """

    posts: Sequence[Post]
    alive: npt.NDArray[np.bool_]
    _uses: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]] = field(default_factory=list, repr=False)

    def carriers(self, number: int, numbers: Mapping[str, int], most: int) -> list[Post]:
        """Up to `most` of the posts still there that carry the hashtag of a number, the last first."""
        if not self._uses:  # which posts have which hashtags; made when first asked for
            sizes = [len(post.hashtags) for post in self.posts]
            used = np.asarray([numbers[tag] for post in self.posts for tag in post.hashtags], dtype=np.int32)
            self._uses.append((used, np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)))
        used, rows = self._uses[0]
        found = rows[used == number]
        return [self.posts[row] for row in found[self.alive[found]][::-1][:most].tolist()]

    @property
    def live(self) -> int:
        """How many of the posts are still there."""
        return int(np.count_nonzero(self.alive))

    def row(self, post_id: str) -> int | None:
        """The row of a post that is still there, or None."""
        row = bisect_left(self.posts, post_id, key=_id)
        found = row < len(self.posts) and self.posts[row].id == post_id and self.alive[row]
        return row if found else None

    def rows(self, post_ids: Iterable[str]) -> list[int]:
        """The rows of those of these posts that are still there."""
        return [row for post_id in post_ids if (row := self.row(post_id)) is not None]

    def without(self, rows: Sequence[int]) -> Part:
        """The part after some of its posts are gone."""
        alive = self.alive.copy()
        alive[rows] = False
        return Part(self.posts, alive, self._uses)


class Place(NamedTuple):
    """Where a post is kept: the number of the part, and the row in it."""

    part: int
    row: int


def merge_parts(parts: Sequence[Part]) -> tuple[Part, npt.NDArray[np.int64]]:
    """Puts parts together into one, without the posts that are gone.

    Returns:
        The new part, and (posts,) the row of each of its posts in the parts laid end to end.
    """
    posts = list(chain.from_iterable(part.posts for part in parts))
    rows = np.flatnonzero(np.concatenate([part.alive for part in parts])).tolist()
    rows.sort(key=lambda row: posts[row].id)
    return Part([posts[row] for row in rows], np.ones(len(rows), dtype=bool)), np.asarray(rows, dtype=np.int64)
