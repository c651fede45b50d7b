"""Rows of data sets that `datasets` reads, as posts: which columns are what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from right_hf.data.lines import DEALT, SEPARATOR, identified, plain_id, split_hashtags
from right_hf.posts import Post, parse_post
from right_hf.workers import Engine


@dataclass(frozen=True)
class DatasetOptions:
    """How a data set is read.

    Attributes:
        text: Column of the posts.
        hashtags: Column of their hashtags: lists, or strings in which `separator` stands between hashtags.
        id: Column of the ids (strings or whole numbers), if there is one; else ids are hashes of text and hashtags, and
            exact repeats are dropped.
        created_at: Column of the times (ISO 8601 strings, or times, which are taken as UTC where they name no zone), if
            there is one.
        license: Column of the licences, if there is one.
        author: Column of opaque marks of the authors (see [`Post`]); None, the default, for none, as it may hold names.
        spellings: Column of the hashtags as their authors wrote them, lists as long as those of the hashtags, if there
            is one.
        basis: Column of who states the licence, if there is one.
        separator: What stands between hashtags in a string.
        name: Configuration of the data set.
        revision: Commit, tag or branch of its repository.
        token: Token for private repositories; None takes the one of `hf auth login`.
        cache_dir: Where `datasets` keeps what it prepared.
    """

    text: str = "text"
    hashtags: str = "hashtags"
    id: str = "id"
    created_at: str = "created_at"
    license: str = "license"
    author: str | None = None
    spellings: str = "spellings"
    basis: str = "basis"
    separator: str = SEPARATOR
    name: str | None = None
    revision: str | None = None
    token: str | None = field(default=None, repr=False)
    cache_dir: str | Path | None = None


def iter_rows(rows: Any, where: str, options: DatasetOptions, engine: Engine) -> Iterator[Post]:
    """Reads posts from one split of an opened data set; `where` names it in errors, and a row by its number from 0."""
    columns = list(rows.column_names)
    if not {options.text, options.hashtags} <= set(columns):
        missing = options.hashtags if options.text in columns else options.text
        raise ValueError(
            f"{where} has no column {missing!r}, only {', '.join(columns)}. Name its columns: "
            "DatasetOptions(text=..., hashtags=...), or --text-column and --hashtags-column."
        )
    numbered = enumerate(rows)
    dealt = iter(lambda: list(islice(numbered, DEALT)), [])
    posts = chain.from_iterable(engine(partial(_parse_rows, where, options, columns), dealt))
    return posts if options.id in columns else identified(posts)


def _parse_rows(
    where: str, options: DatasetOptions, columns: Collection[str], rows: Sequence[tuple[int, Any]]
) -> list[Post]:
    fields = ("text", "hashtags", "id", "created_at", "license", "author", "spellings", "basis")
    wanted = {name: getattr(options, name) for name in fields}
    found = []
    for number, row in rows:
        record = {"id": ""} | {name: _plain(row[column], name) for name, column in wanted.items() if column in columns}
        if isinstance(record["hashtags"], str):
            record["hashtags"] = split_hashtags(record["hashtags"], options.separator)
        try:
            found.append(parse_post(record))
        except ValueError as error:
            raise ValueError(f"{where}, row {number}: {error}. Correct or remove the row.") from error
    return found


def _plain(value: Any, name: str) -> Any:
    """A time as ISO 8601 in UTC, a number that is an id as a string, anything else as it is."""
    if name == "created_at" and isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return plain_id(value) if name == "id" else value
