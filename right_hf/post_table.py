"""Posts in columns, of which a [`Post`] is made only when it is asked for.

A post takes about 150 bytes so, a quarter of what it takes as an object, and nothing is done for each when a corpus is
opened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from right_hf.columns import list_starts, string_reader
from right_hf.hashtag_numbers import HashtagNumbers
from right_hf.posts import Post

Numbers = npt.NDArray[np.int32]

#: The columns; texts may be more than 2 GiB together, and hashtags are numbers.
ROWS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("hashtags", pa.list_(pa.int32()), nullable=False),
        ("created_at", pa.string()),
        ("license", pa.string()),
        ("author", pa.string()),
        ("spellings", pa.list_(pa.string())),
        ("basis", pa.string()),
    ]
)
#: Posts of a table that are kept once they were made, for some are found again and again.
_KEPT = 1 << 17


class PostTable(Sequence[Post]):
    """An immutable sequence of posts.

    Args:
        rows: (posts,) columns as in [`ROWS`].
        names: The hashtags by the numbers in `rows`; it may grow.

    Attributes:
        rows: As given.
        names: As given.
    """

    def __init__(self, rows: pa.RecordBatch, names: Sequence[str]) -> None:
        self.rows = rows
        self.names = names
        self._range = range(rows.num_rows)
        hashtags = rows.column("hashtags")
        self._starts: Numbers = hashtags.offsets.to_numpy()
        self._numbers: Numbers = hashtags.values.to_numpy()

    @cached_property
    def _id(self) -> Any:
        return string_reader(self.rows.column("id"))

    @cached_property
    def _make(self) -> Callable[[int], Post]:
        return _maker(self.rows, self.names)

    @cached_property
    def _post(self) -> Callable[[int], Post]:
        return lru_cache(maxsize=_KEPT)(self._make)

    @classmethod
    def of(cls, posts: Sequence[Post]) -> PostTable:
        """A table of posts, whose hashtags are numbered in the order in which they come."""
        numbers = HashtagNumbers()
        columns: dict[str, Any] = {name: [getattr(post, name) for post in posts] for name in ROWS.names}
        flat = [numbers.take(tag) for hashtags in columns["hashtags"] for tag in hashtags]
        spellings = list(chain.from_iterable(columns["spellings"]))
        columns["hashtags"] = _lists(columns["hashtags"], pa.array(flat, pa.int32()))
        columns["spellings"] = _lists(columns["spellings"], pa.array(spellings, pa.string()))
        return cls(pa.RecordBatch.from_pydict(columns, schema=ROWS), numbers.names)

    @classmethod
    def join(cls, tables: Sequence[PostTable]) -> PostTable:
        """Lays tables with the same names end to end."""
        return cls(pa.concat_batches([table.rows for table in tables]), tables[0].names)

    def __reduce__(self) -> tuple[Any, ...]:
        return PostTable, (self.rows, self.names)

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, row: int) -> Post: ...

    @overload
    def __getitem__(self, row: slice) -> PostTable: ...

    def __getitem__(self, row: int | slice) -> Post | PostTable:
        if isinstance(row, slice):
            return self.take(np.arange(len(self))[row])
        return self._post(self._range[row])

    def __iter__(self) -> Iterator[Post]:
        return map(self._make, self._range)

    def texts(self, first: int, count: int) -> list[str]:
        """The texts of up to `count` posts from row `first` on."""
        found: list[str] = self.rows.column("text").slice(first, count).to_pylist()
        return found

    def row(self, post_id: str) -> int | None:
        """The row of the post with an id, or None; the posts must be in the order of their ids."""
        row = bisect_left(self._range, post_id, key=self._id)
        return row if row < len(self) and self._id(row) == post_id else None

    def is_ascending(self) -> bool:
        """Whether the posts are in the order of their ids, none of which occurs twice."""
        ids = self.rows.column("id")
        # Bytes of UTF-8 are in the order of code points, as strings of Python are.
        return pc.all(pc.less(ids[:-1], ids[1:])).as_py() is not False

    def by_id(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Some rows in the order of the ids of their posts."""
        ids = self.rows.column("id").take(pa.array(rows))
        return rows[np.asarray(pc.array_sort_indices(ids), dtype=np.int64)]

    def take(self, rows: npt.NDArray[np.int64]) -> PostTable:
        """The posts of some rows."""
        return PostTable(self.rows.take(pa.array(rows)), self.names)

    def numbers(self) -> Numbers:
        """The numbers of the hashtags of all posts, one post after the other."""
        return self._numbers[self._starts[0] : self._starts[-1]]

    def numbers_of(self, row: int) -> list[int]:
        """The numbers of the hashtags of a post."""
        found: list[int] = self._numbers[self._starts[row] : self._starts[row + 1]].tolist()
        return found

    def carriers(self, number: int) -> npt.NDArray[np.int64]:
        """The rows of the posts with the hashtag of a number, ascending."""
        order, starts = self._uses
        if number + 1 >= len(starts):
            return np.zeros(0, dtype=np.int64)
        return np.searchsorted(self._starts, order[starts[number] : starts[number + 1]], side="right") - 1

    @cached_property
    def _uses(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The places of all hashtags in the order of their numbers, and where each number begins among them."""
        first, last = self._starts[0], self._starts[-1]
        used = self._numbers[first:last]
        return first + np.argsort(used, kind="stable"), np.cumsum([0, *np.bincount(used).tolist()])

    def numbered(self, numbers: HashtagNumbers) -> PostTable:
        """The same posts with the numbers of others, which may get new ones."""
        own = np.asarray([numbers.take(name) for name in self.names], dtype=np.int32)
        hashtags = pa.ListArray.from_arrays(self.rows.column("hashtags").offsets, own[self._numbers])
        rows = self.rows.set_column(ROWS.get_field_index("hashtags"), ROWS.field("hashtags"), hashtags)
        return PostTable(rows, numbers.names)

    def named(self, names: Sequence[str]) -> PostTable:
        """The same posts with another list of the same names."""
        return PostTable(self.rows, names)

    def spellings(self) -> dict[str, int]:
        """How often each spelling of a hashtag occurs that is known."""
        counted = pc.value_counts(self.rows.column("spellings").flatten())
        uses = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        return {spelling: count for spelling, count in uses if spelling}


def _lists(lists: Sequence[Sequence[Any]], flat: pa.Array) -> pa.ListArray:
    """Lists as a column, whose values laid end to end are `flat`."""
    return pa.ListArray.from_arrays(np.cumsum([0, *map(len, lists)], dtype=np.int32), flat)


def _maker(rows: pa.RecordBatch, names: Sequence[str]) -> Callable[[int], Post]:
    """Makes the post of a row."""
    post_id, text = (string_reader(rows.column(name)) for name in ("id", "text"))
    # Columns without any value, as most are, are not even asked.
    others = [
        name for name in ("created_at", "license", "author", "basis") if rows.column(name).null_count < rows.num_rows
    ]
    readers: Any = [string_reader(rows.column(name)) for name in others]
    hashtags, spellings = rows.column("hashtags"), rows.column("spellings")
    starts, numbers = list_starts(hashtags), hashtags.values.to_numpy().data
    begins = list_starts(spellings) if len(spellings.values) else None
    spelling: Any = string_reader(spellings.values)

    def make(row: int) -> Post:
        first, last = starts[row], starts[row + 1]
        tags = (names[numbers[first]],) if last - first == 1 else tuple([names[at] for at in numbers[first:last]])
        known = {name: read(row) for name, read in zip(others, readers, strict=True)} if others else {}
        if begins is not None and begins[row] < begins[row + 1]:
            known["spellings"] = tuple([spelling(place) for place in range(begins[row], begins[row + 1])])
        return Post(post_id(row), text(row), tags, **known)  # type: ignore[arg-type]

    return make
