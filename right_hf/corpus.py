"""The corpus: posts with hashtags, in the order of their ids, as columns in memory and as parquet on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.posts import Post

CORPUS_FILE = "corpus.parquet"
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("hashtags", pa.list_(pa.string()), nullable=False),
        ("created_at", pa.string()),
        ("license", pa.string()),
    ]
)


class Corpus(Sequence[Post]):
    """An immutable sequence of posts, ordered by id so that row order breaks ties between equal scores.

    Raises:
        ValueError: No posts are given, or an id occurs twice.
    """

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = sorted(posts, key=lambda post: post.id)
        if not self._posts:
            raise ValueError("A corpus needs at least one post, got none.")
        self._rows = {post.id: row for row, post in enumerate(self._posts)}
        if len(self._rows) != len(self._posts):
            repeated = next(a.id for a, b in zip(self._posts, self._posts[1:], strict=False) if a.id == b.id)
            raise ValueError(f"The id {repeated!r} occurs twice in the corpus. Ids must be unique; remove one post.")

    def __len__(self) -> int:
        return len(self._posts)

    def __getitem__(self, row: int) -> Post:  # type: ignore[override]
        return self._posts[row]

    def __iter__(self) -> Iterator[Post]:
        return iter(self._posts)

    def row(self, post_id: str) -> int | None:
        """The row of the post with this id, or None where the corpus does not hold it."""
        return self._rows.get(post_id)

    @property
    def hashtags(self) -> list[str]:
        """The distinct hashtags, sorted."""
        return sorted({hashtag for post in self._posts for hashtag in post.hashtags})

    def save(self, folder: Path) -> None:
        """Writes the corpus as one parquet file into `folder`."""
        columns = {name: [getattr(post, name) for post in self._posts] for name in _SCHEMA.names}
        columns["hashtags"] = [list(hashtags) for hashtags in columns["hashtags"]]
        pq.write_table(pa.table(columns, schema=_SCHEMA), folder / CORPUS_FILE, compression="zstd", compression_level=9)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Reads what [`save`] wrote.

        Raises:
            ValueError: The file is damaged or has other columns.
        """
        path = folder / CORPUS_FILE
        try:
            table = pq.read_table(path).select(_SCHEMA.names).cast(_SCHEMA)
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise ValueError(f"{path} is missing, damaged or no corpus: {error}. Restore it or index again.") from error
        rows = zip(*(table.column(name).to_pylist() for name in _SCHEMA.names), strict=True)
        return cls([Post(i, text, tuple(tags), time, license) for i, text, tags, time, license in rows])
