"""The hashtags of the pools of a batch as rows of one table, and columns that are filled from lists and mappings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]


class Rows:
    """One row for each hashtag of each post, the posts one after the other.

    Args:
        hashtags: The distinct hashtags of each post.
    """

    def __init__(self, hashtags: Sequence[Sequence[str]]) -> None:
        self.hashtags = hashtags
        sizes = np.asarray([len(tags) for tags in hashtags], dtype=np.int64)
        ends = np.cumsum(sizes)
        self.count = int(ends[-1]) if len(ends) else 0
        self._owners = np.repeat(np.arange(len(sizes)), sizes)
        #: Where the rows of each post begin and end.
        self.spans = list(zip((ends - sizes).tolist(), ends.tolist(), strict=True))
        #: For each post the row of each hashtag.
        self.places = [
            dict(zip(tags, range(*span), strict=True)) for tags, span in zip(hashtags, self.spans, strict=True)
        ]

    def nothing(self) -> Column:
        """A column that says nothing: NaN."""
        return np.full(self.count, np.nan)

    def column(self, rows: Sequence[int], values: Iterable[Any]) -> Column:
        """A column with values in some rows."""
        column = self.nothing()
        column[rows] = np.fromiter(values, dtype=np.float64, count=len(rows))
        return column

    def of(self, values: Iterable[Mapping[str, float]]) -> Column:
        """A column from what each post has for some hashtags."""
        known = [
            (place[tag], value) for place, found in self._with(values) for tag, value in found.items() if tag in place
        ]
        return self.column([row for row, _ in known], [value for _, value in known])

    def ranks(self, rankings: Iterable[Sequence[str]]) -> Column:
        """The rank of each hashtag, from 1, in a ranking of its post's."""
        known = [
            (place[tag], rank)
            for place, ranking in self._with(rankings)
            for rank, tag in enumerate(ranking, start=1)
            if tag in place
        ]
        return self.column([row for row, _ in known], [rank for _, rank in known])

    def each(self, values: Sequence[float]) -> Column:
        """A column with one value a post."""
        return np.asarray(values, dtype=np.float64)[self._owners]

    def best(self, column: Column, default: float = 0.0) -> Column:
        """The highest value of each row's post; `default` where it has none."""
        highest = np.full(len(self.spans), -np.inf)
        known = ~np.isnan(column)
        np.maximum.at(highest, self._owners[known], column[known])
        return np.where(np.isinf(highest), default, highest)[self._owners]

    def _with(self, values: Iterable[Any]) -> Iterable[tuple[dict[str, int], Any]]:
        return zip(self.places, values, strict=True)
