"""A corpus on disk: posts as parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

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
        ("author", pa.string()),
        ("spellings", pa.list_(pa.string())),
    ]
)
#: Columns that came later; where they are missing nothing is known.
_LATER = ("author", "spellings")


def save_posts(posts: Sequence[Post], folder: Path) -> None:
    """Writes posts into a folder, as one file."""
    columns = {name: [getattr(post, name) for post in posts] for name in _SCHEMA.names}
    for name in ("hashtags", "spellings"):
        columns[name] = [list(row) for row in columns[name]]
    table = pa.table(columns, schema=_SCHEMA)
    pq.write_table(table, folder / CORPUS_FILE, compression="zstd", compression_level=9, row_group_size=100_000)


def load_posts(folder: Path) -> list[Post]:
    """Reads what [`save_posts`] wrote, also before posts had an author or spellings.

    Raises:
        ValueError: The file is damaged or has other columns.
    """
    path = folder / CORPUS_FILE
    try:
        posts = list(_read_posts(path))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is missing, damaged or no corpus: {error}. Restore it or index again.") from error
    pa.default_memory_pool().release_unused()
    return posts


def _read_posts(path: Path) -> Iterator[Post]:
    """Reads posts from parquet, some at a time, so that little is in memory twice."""
    shared: dict[Any, Any] = {}  # one string a hashtag, licence and author, not one a post
    share = shared.setdefault
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=10_000):
            table = pa.Table.from_batches([batch])
            for name in _LATER:
                if name not in table.column_names:
                    table = table.append_column(name, pa.nulls(len(table), _SCHEMA.field(name).type))
            columns = [column.to_pylist() for column in table.select(_SCHEMA.names).cast(_SCHEMA).columns]
            for i, text, tags, time, license, author, spellings in zip(*columns, strict=True):
                hashtags = tuple(share(tag, tag) for tag in tags)
                written = tuple(share(spelling, spelling) for spelling in spellings or ())
                yield Post(i, text, hashtags, time, share(license, license), share(author, author), written)
