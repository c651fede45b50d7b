"""Posts as rows of a table, with what they are searched by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from right_hf.analysis import Analyser
from right_hf.encoders import Matrix
from right_hf.posts import Post
from right_hf.times import seconds

#: What a post is made of again.
POST = ("id", "text", "hashtags", "created_at", "license", "author", "spellings", "basis")
_LISTS = ("hashtags", "spellings")


def schema(dimension: int | None) -> pa.Schema:
    """The columns of a table; with vectors of so many numbers, or without any.

    Besides a post's own there are its `terms` in order with repeats, their number (`length`), and its time in seconds
    since 1970 (`moment`).
    """
    kinds = {name: pa.list_(pa.string()) if name in _LISTS else pa.string() for name in POST}
    fields = [pa.field(name, kind, nullable=name not in ("id", "text", "hashtags")) for name, kind in kinds.items()]
    fields += [
        pa.field("terms", pa.list_(pa.string()), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
        pa.field("moment", pa.float64()),
    ]
    if dimension is not None:
        fields.append(pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False))
    return pa.schema(fields)


#: Embeds texts: (n, d).
Embed = Callable[[Sequence[str]], Matrix]


def rows_of(posts: Sequence[Post], analyse: Analyser, embed: Embed | None) -> pa.RecordBatch:
    """Prepared posts as rows.

    Args:
        posts: The posts, their hashtags in the forms of the corpus.
        analyse: Cuts their texts into terms.
        embed: Gives the (n, d) vectors of texts; None for a table without any.
    """
    columns: dict[str, Any] = {name: [getattr(post, name) for post in posts] for name in POST}
    columns["terms"] = [analyse(post.text) for post in posts]
    columns["length"] = list(map(len, columns["terms"]))
    columns["moment"] = [seconds(post.created_at) for post in posts]
    dimension = None
    if embed is not None:
        vectors = np.ascontiguousarray(embed(columns["text"]), dtype=np.float16)  # (n, d)
        dimension = vectors.shape[1]
        columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1), pa.float16()), dimension)
    return pa.RecordBatch.from_pydict(columns, schema=schema(dimension))


def posts_of(rows: pa.Table | pa.RecordBatch) -> list[Post]:
    """Rows as the posts that they were made of."""
    columns: dict[str, list[Any]] = {name: rows.column(name).to_pylist() for name in POST}
    columns["hashtags"] = list(map(tuple, columns["hashtags"]))
    columns["spellings"] = [tuple(spellings or ()) for spellings in columns["spellings"]]
    return [Post(*values) for values in zip(*columns.values(), strict=True)]


def quoted(text: str) -> str:
    """A string as filters take it."""
    return "'" + text.replace("'", "''") + "'"


def one_of(texts: Sequence[str]) -> str:
    """Several strings as what stands behind IN."""
    return f"({', '.join(map(quoted, texts))})"


def has(column: str, value: str) -> str:
    """A filter for rows whose list holds a value."""
    return f"array_has({column}, {quoted(value)})"


def has_all(column: str, values: Sequence[str]) -> str:
    """A filter for rows whose list holds all of some values."""
    return f"array_has_all({column}, [{', '.join(map(quoted, values))}])"
