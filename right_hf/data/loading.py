"""Loading: a source of posts, whatever its format, gives training, validation and test posts in one schema."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from right_hf.data.lines import DEALT, iter_json_posts, iter_line_posts
from right_hf.data.rows import DatasetOptions, iter_rows
from right_hf.hub.errors import explained
from right_hf.posts import Post
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
        return _NAMES.get(stem), path, partial(iter_json_posts, path, engine, DEALT)
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
            readers[split] = (where, partial(iter_rows, rows, where, options, engine))
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


def _stream(readers: Readers, split: str, licenses: Collection[str] | None) -> Iterator[Post]:
    """The posts of one split, some of which must be left."""
    where, read = readers[split]
    some = False
    for post in read():
        if licenses is None or post.license in licenses:
            some = True
            yield post
    if not some:
        wanted = f" under one of the licences {sorted(licenses)}" if licenses is not None else ""
        raise ValueError(f"{where} holds no posts{wanted}.")


def _read(readers: Readers, split: str, licenses: Collection[str] | None) -> list[Post]:
    """The posts of one split; ids must be unique, and some post be left."""
    where = readers[split][0]
    kept: dict[str, Post] = {}
    for post in _stream(readers, split, licenses):
        if post.id in kept:
            raise ValueError(f"{where}: the id {post.id!r} occurs twice. Ids must be unique; remove one of the posts.")
        kept[post.id] = post
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
    readers, split = _chosen(source, split, options, engine)
    return _read(readers, split, licenses)


def iter_split(
    source: str | Path,
    split: str | None = None,
    licenses: Collection[str] | None = None,
    options: DatasetOptions | None = None,
    engine: Engine = map,
) -> Iterator[Post]:
    """Does as [`load_split`] with one post after the other in memory; that ids are unique is for the caller to see."""
    readers, split = _chosen(source, split, options, engine)
    return _stream(readers, split, licenses)


def _chosen(
    source: str | Path, split: str | None, options: DatasetOptions | None, engine: Engine
) -> tuple[Readers, str]:
    """The splits of a source, and the name of the one that is asked for."""
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
    return readers, split


def read_posts(source: str | Path, licenses: Collection[str] | None = None) -> list[Post]:
    """The posts of a file, or of the training split where a source has several; see [`load_split`]."""
    return load_split(source, None, licenses)
