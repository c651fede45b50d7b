"""The corpus: posts with hashtags, in the order of their ids, as columns in memory and as parquet on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from right_hf.posts import Post, normalise_hashtag

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
        ValueError: No posts are given, an id occurs twice, or a hashtag is not normalised.
        TypeError: The hashtags of a post are one string.
    """

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = sorted(posts, key=lambda post: post.id)
        if not self._posts:
            raise ValueError("A corpus needs at least one post, got none.")
        self._rows = {post.id: row for row, post in enumerate(self._posts)}
        if len(self._rows) != len(self._posts):
            repeated = next(a.id for a, b in zip(self._posts, self._posts[1:], strict=False) if a.id == b.id)
            raise ValueError(f"The id {repeated!r} occurs twice in the corpus. Ids must be unique; remove one post.")
        if whole := next((post for post in self._posts if isinstance(post.hashtags, str)), None):
            raise TypeError(f"The hashtags of post {whole.id!r} are one string. Give a tuple: ({whole.hashtags!r},).")
        for hashtag in self.hashtags:
            if hashtag != normalise_hashtag(hashtag):
                raise ValueError(
                    f"The corpus holds the hashtag {hashtag!r}, expected {normalise_hashtag(hashtag)!r}. "
                    "Pass hashtags through right_hf.posts.normalise_hashtag."
                )

    def __len__(self) -> int:
        return len(self._posts)

    def __getitem__(self, row: int) -> Post:  # type: ignore[override]
        return self._posts[row]

    def __iter__(self) -> Iterator[Post]:
        return iter(self._posts)

    def row(self, post_id: str) -> int | None:
        """The row of the post with this id, or None where the corpus does not hold it."""
        return self._rows.get(post_id)

    def rows(self, post_ids: Iterable[str]) -> list[int]:
        """The rows of those of these posts that the corpus holds."""
        return [row for post_id in post_ids if (row := self._rows.get(post_id)) is not None]

    @property
    def hashtags(self) -> list[str]:
        """The distinct hashtags, sorted."""
        return sorted({hashtag for post in self._posts for hashtag in post.hashtags})

    def save(self, folder: Path) -> None:
        """Writes the corpus as one parquet file into `folder`."""
        columns = {name: [getattr(post, name) for post in self._posts] for name in _SCHEMA.names}
        columns["hashtags"] = [list(hashtags) for hashtags in columns["hashtags"]]
        table = pa.table(columns, schema=_SCHEMA)
        pq.write_table(table, folder / CORPUS_FILE, compression="zstd", compression_level=19)

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
