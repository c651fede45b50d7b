"""Loading: a source of posts, whatever its format, gives training, validation and test posts in one schema."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from right_hf.data.lines import SEPARATOR, identified, iter_json_posts, iter_line_posts, plain_id, split_hashtags
from right_hf.hub.errors import explained
from right_hf.posts import Post, parse_post
from right_hf.textfiles import is_stream
from right_hf.workers import Engine

#: The splits, in this order.
SPLITS = ("train", "validation", "test")
_NAMES = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation"}
_NAMES |= {"dev": "validation", "test": "test"}
# The authors of RIGHT give their cleaned copies of THG and WHG a second ending.
_LINE_FILE = re.compile(r"(?P<stem>.+)\.(?P<side>src|dst)(?P<rest>(_after_cleaning\.txt)?(\.gz)?)")
#: What of `datasets.Dataset` reads a single file, by its ending; unlike `load_dataset`, it tells no server.
_FILES = {".jsonl": "from_json", ".json": "from_json", ".parquet": "from_parquet", ".csv": "from_csv"}
#: Posts that are parsed at once.
_DEALT = 512


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


#: For each split the name that errors give it, and what reads it.
Readers = dict[str, tuple[str | Path, Callable[[], Iterable[Post]]]]


def _split_of(stem: str) -> str | None:
    """The split that a file's name speaks of, alone or as a part of it (`twitter.2021.valid`), or None."""
    found = {_NAMES[part] for part in re.split(r"[._-]", stem.lower()) if part in _NAMES}
    return found.pop() if len(found) == 1 else None


def _ending(path: Path) -> str:
    """The ending that tells the format; that of gzip is none."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def _file_reader(path: Path, engine: Engine) -> tuple[str | None, Path, Callable[[], Iterable[Post]]] | None:
    """The split that a file belongs to, the file that stands for it, and its reader; None for another format."""
    if _ending(path) == ".jsonl":
        stem = path.name.lower().partition(".jsonl")[0]
        return _NAMES.get(stem), path, partial(iter_json_posts, path, engine, _DEALT)
    if match := _LINE_FILE.fullmatch(path.name):
        stem, rest = match["stem"], match["rest"]
        source, target = (path.with_name(f"{stem}.{side}{rest}") for side in ("src", "dst"))
        return _split_of(stem), source, partial(iter_line_posts, source, target)
    return None


def _folder_readers(folder: Path, engine: Engine) -> Readers:
    """The splits that lie in a folder as JSONL or line files, each with its file."""
    found: Readers = {}
    for split, file, reader in filter(None, (_file_reader(path, engine) for path in sorted(folder.iterdir()))):
        if split is not None and (other := Path(found.setdefault(split, (file, reader))[0])) != file:
            raise ValueError(f"{folder} holds two {split} splits: {other.name} and {file.name}. Remove one of them.")
    return found


def _dataset_readers(source: str, options: DatasetOptions, unnamed: str, engine: Engine) -> Readers:
    """The splits that `datasets` finds in a file, a folder or on the Hub."""
    path = Path(source)
    readers: Readers = {}
    for name, rows in _open_dataset(source, options).items():
        split = _split_of(path.stem) or unnamed if path.is_file() else _NAMES.get(name.lower())
        if split in readers:
            raise ValueError(f"{source} holds two {split} splits, one of them {name!r}. Remove or rename one.")
        if split is not None:
            where = source if path.is_file() else f"{source}, split {name}"
            readers[split] = (where, partial(_iter_dataset, rows, where, options, engine))
    return readers


def _readers(
    source: str | Path, options: DatasetOptions | None, unnamed: str = "test", engine: Engine = map
) -> Readers:
    path = Path(os.path.expanduser(source))
    if is_stream(path):
        if options is not None:
            raise ValueError(f"{path} is no file, so that its columns cannot be chosen. Save it to a file first.")
        return {unnamed: (path, partial(iter_json_posts, path))}
    if path.is_file() and (options is None or _ending(path) != ".jsonl") and (known := _file_reader(path, engine)):
        split, file, reader = known
        return {split or unnamed: (file, reader)}
    if options is None and path.is_dir() and (readers := _folder_readers(path, engine)):
        return readers
    if path.is_file() and _ending(path) not in _FILES:
        formats = f"a {', '.join(_FILES)} file, or .src with a .dst beside it"
        raise ValueError(f"{path} is of no known format. Expected {formats}.")
    if not path.exists() and (path.is_absolute() or str(source).startswith(".") or len(path.parts) > 2):
        raise FileNotFoundError(f"No file or folder {path}, and a data set of the Hub is named user/name.")
    return _dataset_readers(str(path if path.exists() else source), options or DatasetOptions(), unnamed, engine)


def _open_dataset(source: str, options: DatasetOptions) -> Mapping[str, Any]:
    """Opens a data set with all its splits, a single file as one; nothing of it is run."""
    import datasets

    cache = None if options.cache_dir is None else os.path.expanduser(options.cache_dir)
    try:
        if Path(source).is_file():
            return {"train": getattr(datasets.Dataset, _FILES[_ending(Path(source))])(source, cache_dir=cache)}
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


def _iter_dataset(rows: Any, where: str, options: DatasetOptions, engine: Engine) -> Iterator[Post]:
    """Reads posts from one split of an opened data set; `where` names it in errors, and a row by its number from 0."""
    columns = list(rows.column_names)
    if not {options.text, options.hashtags} <= set(columns):
        missing = options.hashtags if options.text in columns else options.text
        raise ValueError(
            f"{where} has no column {missing!r}, only {', '.join(columns)}. Name its columns: "
            "DatasetOptions(text=..., hashtags=...), or --text-column and --hashtags-column."
        )
    numbered = enumerate(rows)
    dealt = iter(lambda: list(islice(numbered, _DEALT)), [])
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


def _read(readers: Readers, split: str, licenses: Collection[str] | None) -> list[Post]:
    """The posts of one split; ids must be unique, and some post be left."""
    where, read = readers[split]
    kept: dict[str, Post] = {}
    for post in read():
        if licenses is not None and post.license not in licenses:
            continue
        if post.id in kept:
            raise ValueError(f"{where}: the id {post.id!r} occurs twice. Ids must be unique; remove one of the posts.")
        kept[post.id] = post
    if not kept:
        wanted = f" under one of the licences {sorted(licenses)}" if licenses is not None else ""
        raise ValueError(f"{where} holds no posts{wanted}.")
    return list(kept.values())


def load_splits(
    source: str | Path,
    licenses: Collection[str] | None = None,
    options: DatasetOptions | None = None,
    unnamed: str = "test",
) -> dict[str, list[Post]]:
    """Loads all splits of a source: of `"train"`, `"validation"` and `"test"` those that it holds, in this order.

    Texts are cleaned by [`clean_post`] and hashtags normalised by [`normalise_hashtag`] whatever the format, so that a
    corpus takes the posts as they are.

    Args:
        source: A folder with `train.jsonl`, `validation.jsonl`, `test.jsonl` (see [`iter_json_posts`]) or with pairs of
            `.src` and `.dst` files whose names hold the split (see [`iter_line_posts`]), all perhaps with `.gz`, a
            folder in another format that `datasets` reads, or the id of a data set of the Hub. `valid`, `val` and `dev`
            also mean validation. A single such file, or one of Parquet, CSV or JSON, is the split that its name says; a
            stream, such as `/dev/stdin`, holds JSONL.
        licenses: Only posts under one of these licences are kept.
        options: Columns, revision and token of a data set. If they are given, `datasets` reads all but line files.
        unnamed: The split that a single file is whose name says none.

    Raises:
        FileNotFoundError: There is no such source, or it holds none of the splits.
        PermissionError: The token is wrong, lacks a right, or the data set is gated.
        ConnectionError: No folder bears this name, and the Hub cannot be reached or fails.
        ValueError: A file is damaged, a post is none or occurs twice, a column is missing, or a split holds no posts;
            the message names file and line.
    """
    readers = _readers(source, options, unnamed)
    if not readers:
        raise FileNotFoundError(f"{source} holds none of the splits {', '.join(SPLITS)}. Name its files after them.")
    return {split: _read(readers, split, licenses) for split in SPLITS if split in readers}


def load_split(
    source: str | Path,
    split: str | None = None,
    licenses: Collection[str] | None = None,
    options: DatasetOptions | None = None,
    engine: Engine = map,
) -> list[Post]:
    """Loads one split of a source and nothing of the others.

    Args:
        source: As for [`load_splits`], like `licenses` and `options`.
        split: Its name; None for the only one that the source holds, else the training posts.
        licenses: Only posts under one of these.
        options: How a data set is read.
        engine: What shares the work out, see [`right_hf.workers.Engine`].

    Raises:
        FileNotFoundError: The source does not hold the split.
        ValueError, PermissionError, ConnectionError: As for [`load_splits`].
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"Unknown split {split!r}. Known: {', '.join(SPLITS)}.")
    readers = _readers(source, options, engine=engine)
    if split is None:
        split = next(iter(readers)) if len(readers) == 1 else "train"
    if split not in readers:
        held = ", ".join(name for name in SPLITS if name in readers) or "no split"
        raise FileNotFoundError(
            f"{source} has no {split} split; it holds {held}. Expected {split}.jsonl, or *{split}.src and *{split}.dst."
        )
    return _read(readers, split, licenses)


def read_posts(source: str | Path, licenses: Collection[str] | None = None) -> list[Post]:
    """The posts of a file, or of the training split where a source has several; see [`load_split`]."""
    return load_split(source, None, licenses)
