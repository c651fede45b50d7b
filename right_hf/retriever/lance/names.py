"""The hashtags of a table and their spellings, in the order in which they came; what has gone stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from right_hf.forms import Forms
from right_hf.spelling.counts import plain_spelling
from right_hf.spelling.variants import Merge
from right_hf.text.hashtags import hashtag_key

#: A row brings a hashtag or a spelling of one.
SCHEMA = pa.schema([("hashtag", pa.string()), ("spelling", pa.string())])


class Names:
    """The hashtags that came to a table, and how they were written.

    Only names are kept in memory, which selector and mentions need there; how often each is used is asked of the table.
    One thread may add to them while others read.

    Args:
        variants: Which hashtags are one, see [`Forms`].

    Attributes:
        forms: The form of each hashtag.
        hashtags: The forms in the order in which they came.
        rows: How many rows there are in the table.
    """

    def __init__(self, variants: Iterable[Merge] = ()) -> None:
        self.forms = Forms(variants)
        self.hashtags: list[str] = []
        self.rows = 0
        self._known: set[str] = set()
        self._spellings: dict[str, tuple[str, ...]] = {}
        self._waiting: list[tuple[str | None, str | None]] = []

    def read(self, rows: pa.Table) -> None:
        """Takes up rows of the table that were not read yet."""
        columns = (rows.column(name).to_pylist() for name in SCHEMA.names)
        for hashtag, spelling in zip(*columns, strict=True):
            if hashtag is not None:
                self._take_hashtag(self.forms.take(hashtag))
            else:
                self._take_spelling(spelling)
        self.rows += len(rows)

    def _take_hashtag(self, hashtag: str) -> bool:
        """Whether a hashtag is new."""
        if hashtag in self._known:
            return False
        self._known.add(hashtag)
        self.hashtags.append(hashtag)
        return True

    def _take_spelling(self, spelling: str) -> bool:
        """Whether a spelling is new."""
        key = hashtag_key(plain_spelling(spelling))
        if spelling in (had := self._spellings.get(key, ())):
            return False
        self._spellings[key] = (*had, spelling)
        return True

    def take(self, hashtags: Iterable[str], spellings: Iterable[str]) -> None:
        """Takes up the hashtags of posts, in the forms of the corpus, and their spellings; what is new waits."""
        for hashtag in hashtags:
            if self._take_hashtag(hashtag):
                self._waiting.append((hashtag, None))
        for spelling in filter(None, spellings):
            if self._take_spelling(spelling):
                self._waiting.append((None, spelling))

    @property
    def waiting(self) -> pa.RecordBatch | None:
        """The rows that are not written yet; None where there are none."""
        if not self._waiting:
            return None
        hashtags, spellings = zip(*self._waiting, strict=True)
        return pa.RecordBatch.from_pydict({"hashtag": hashtags, "spelling": spellings}, schema=SCHEMA)

    def written(self) -> None:
        """To be called when what waited is in the table."""
        self.rows += len(self._waiting)
        self._waiting = []

    def spellings(self, key: str) -> Sequence[str]:
        """The spellings of the hashtag with a key, as they stand in posts."""
        return self._spellings.get(key, ())

    def keys(self) -> list[str]:
        """The keys of which a spelling is known."""
        return list(self._spellings)

    def __len__(self) -> int:
        return len(self.hashtags)
