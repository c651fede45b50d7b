"""A corpus on disk: posts as parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from right_hf.post_table import ROWS, PostTable

CORPUS_FILE = "corpus.parquet"
_HASHTAGS = ROWS.get_field_index("hashtags")
#: In a file hashtags are their names.
_SCHEMA = ROWS.set(_HASHTAGS, pa.field("hashtags", pa.list_(pa.string()), nullable=False))
#: Columns that came later; where they are missing nothing is known.
_LATER = ("author", "spellings", "basis")
_GROUP = 100_000


def save_posts(posts: PostTable, folder: Path) -> None:
    """Writes posts into a folder, as one file."""
    names = pa.array(posts.names, pa.string())
    with pq.ParquetWriter(folder / CORPUS_FILE, _SCHEMA, compression="zstd", compression_level=9) as file:
        for first in range(0, len(posts), _GROUP):
            rows = posts.rows.slice(first, _GROUP)
            numbers = rows.column("hashtags")
            starts = pc.subtract(numbers.offsets, numbers.offsets[0])
            hashtags = pa.ListArray.from_arrays(starts, names.take(numbers.flatten()))
            file.write_batch(rows.set_column(_HASHTAGS, _SCHEMA.field(_HASHTAGS), hashtags), row_group_size=_GROUP)


def load_posts(folder: Path) -> PostTable:
    """Reads what [`save_posts`] wrote, also before posts had author, spellings or basis.

    Raises:
        ValueError: The file is damaged or has other columns.
    """
    path = folder / CORPUS_FILE
    try:
        posts = _read_posts(path)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is missing, damaged or no corpus: {error}. Restore it or index again.") from error
    pa.default_memory_pool().release_unused()
    return posts


def _read_posts(path: Path) -> PostTable:
    with pq.ParquetFile(path) as file:
        table = file.read()
    for name in _LATER:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), _SCHEMA.field(name).type))
    table = table.select(_SCHEMA.names).cast(_SCHEMA)
    table.validate(full=True)  # that all strings are UTF-8, too
    rows = pa.concat_batches([pa.RecordBatch.from_pylist([], schema=_SCHEMA), *table.to_batches()])
    hashtags = rows.column(_HASHTAGS)
    names = hashtags.values.dictionary_encode()
    if names.null_count:
        raise ValueError("a hashtag is missing")
    numbers = pa.ListArray.from_arrays(hashtags.offsets, names.indices)
    return PostTable(rows.set_column(_HASHTAGS, ROWS.field(_HASHTAGS), numbers), names.dictionary.to_pylist())
