"""Data sets of the Hub, and local files and folders in any format that `datasets` reads (Parquet, CSV, JSON)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from right_hf.data.lines import SEPARATOR, identified, split_hashtags
from right_hf.hub.errors import explained
from right_hf.posts import Post, parse_post

#: What of `datasets.Dataset` reads a single file, by its ending; unlike `load_dataset`, it tells no server.
FILES = {".jsonl": "from_json", ".json": "from_json", ".parquet": "from_parquet", ".csv": "from_csv"}
_OPTIONAL = ("id", "created_at", "license")


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
    separator: str = SEPARATOR
    name: str | None = None
    revision: str | None = None
    token: str | None = field(default=None, repr=False)
    cache_dir: str | Path | None = None


def open_dataset(source: str, options: DatasetOptions) -> Mapping[str, Any]:
    """Opens a data set with all its splits, a single file as one; nothing of it is run.

    Raises:
        FileNotFoundError: Neither a file, a folder nor a data set of the Hub bears this name.
        ConnectionError: No folder bears this name, and the Hub cannot be reached or fails.
        PermissionError: The token is wrong, lacks a right, or the data set is gated.
        ValueError: A file is damaged, or the configuration unknown.
    """
    import datasets

    cache = None if options.cache_dir is None else str(options.cache_dir)
    try:
        if Path(source).is_file():
            return {"train": getattr(datasets.Dataset, FILES[Path(source).suffix])(source, cache_dir=cache)}
        with explained(source, options.revision):
            found: Mapping[str, Any] = datasets.load_dataset(
                source, options.name, revision=options.revision, token=options.token, cache_dir=cache
            )
    except (datasets.exceptions.DatasetGenerationError, ValueError) as error:
        raise ValueError(f"{source} cannot be read as posts: {error.__cause__ or error}") from error
    except FileNotFoundError as error:  # also the errors of datasets for a missing or empty data set
        raise FileNotFoundError(
            f"No data set at {source!r}: {error} Give a folder with train, validation and test as .jsonl or as "
            ".src/.dst files, a folder that datasets can read, or the id of a data set of the Hub (and its token)."
        ) from error
    except ConnectionError as error:
        raise ConnectionError(
            f"There is no folder {source!r} here, and the Hub was not reached to look for a data set of that name: "
            f"{error}. Correct the path, or go online once: what was loaded before is read from the cache."
        ) from error
    return found


def iter_dataset(rows: Any, where: str, options: DatasetOptions) -> Iterator[Post]:
    """Reads posts from one split of an opened data set; `where` names it in errors.

    Raises:
        ValueError: A column is missing, or a row is no post; the message names the row, counted from 0.
    """
    columns = list(rows.column_names)
    for required in (options.text, options.hashtags):
        if required not in columns:
            raise ValueError(
                f"{where} has no column {required!r}, only {', '.join(columns)}. Name its columns: "
                "DatasetOptions(text=..., hashtags=...), or --text-column and --hashtags-column."
            )
    present = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) in columns}
    posts = _parse_rows(rows, where, options, present)
    return posts if "id" in present else identified(posts)


def _parse_rows(rows: Any, where: str, options: DatasetOptions, present: Mapping[str, str]) -> Iterator[Post]:
    for number, row in enumerate(rows):
        record = {"id": "", "text": row[options.text], "hashtags": row[options.hashtags]}
        record |= {name: _plain(row[column], name) for name, column in present.items()}
        if isinstance(record["hashtags"], str):
            record["hashtags"] = split_hashtags(record["hashtags"], options.separator)
        try:
            yield parse_post(record)
        except ValueError as error:
            raise ValueError(f"{where}, row {number}: {error}. Correct or remove the row.") from error


def _plain(value: Any, name: str) -> Any:
    """A time as ISO 8601 in UTC, a number that is an id as a string, anything else as it is."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return str(value) if name == "id" and isinstance(value, int) else value
