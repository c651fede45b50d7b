"""Loading: a source of posts, whatever its format, gives training, validation and test posts in one schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from right_hf.data.hub import FILES, DatasetOptions, iter_dataset, open_dataset
from right_hf.data.lines import iter_json_posts, iter_line_posts
from right_hf.posts import Post

#: The splits, in this order.
SPLITS = ("train", "validation", "test")
_NAMES = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation"}
_NAMES |= {"dev": "validation", "test": "test"}
# The authors of RIGHT give their cleaned copies of THG and WHG a second ending.
_LINE_FILE = re.compile(r"(?P<stem>.+)\.(?P<side>src|dst)(?P<rest>_after_cleaning\.txt)?")

Reader = Callable[[], Iterable[Post]]
#: For each split the name that errors give it, and what reads it.
Readers = dict[str, tuple[str | Path, Reader]]


def _split_of(stem: str) -> str | None:
    """The split that a file's name speaks of, alone or as a part of it (`twitter.2021.valid`), or None."""
    found = {_NAMES[part] for part in re.split(r"[._-]", stem.lower()) if part in _NAMES}
    return found.pop() if len(found) == 1 else None


def _file_reader(path: Path) -> tuple[str | None, Path, Reader] | None:
    """The split that a file belongs to, the file that stands for it, and its reader; None for another format."""
    if path.suffix == ".jsonl":
        return _NAMES.get(path.stem.lower()), path, partial(iter_json_posts, path)
    if match := _LINE_FILE.fullmatch(path.name):
        stem, rest = match["stem"], match["rest"] or ""
        source, target = (path.with_name(f"{stem}.{side}{rest}") for side in ("src", "dst"))
        return _split_of(stem), source, partial(iter_line_posts, source, target)
    return None


def _folder_readers(folder: Path) -> Readers:
    """The splits that lie in a folder as JSONL or line files, each with its file."""
    found: dict[str, tuple[Path, Reader]] = {}
    for path in sorted(folder.iterdir()):
        split, file, reader = _file_reader(path) or (None, path, None)
        if split is None or reader is None:
            continue
        other = found.setdefault(split, (file, reader))[0]
        if other != file:
            raise ValueError(f"{folder} holds two {split} splits: {other.name} and {file.name}. Remove one of them.")
    return {split: found[split] for split in SPLITS if split in found}


def _dataset_readers(source: str | Path, options: DatasetOptions, unnamed: str) -> Readers:
    """The splits that `datasets` finds in a file, a folder or on the Hub."""
    path = Path(source)
    readers: Readers = {}
    for name, rows in open_dataset(str(source), options).items():
        split = _split_of(path.stem) or unnamed if path.is_file() else _NAMES.get(name.lower())
        if split in readers:
            raise ValueError(f"{source} holds two {split} splits, one of them {name!r}. Remove or rename one.")
        if split is not None:
            where = str(path) if path.is_file() else f"{source}, split {name}"
            readers[split] = (where, partial(iter_dataset, rows, where, options))
    return readers


def _readers(source: str | Path, options: DatasetOptions | None, unnamed: str = "test") -> Readers:
    path = Path(source)
    if path.is_file() and (options is None or path.suffix != ".jsonl") and (known := _file_reader(path)):
        split, file, reader = known
        return {split or unnamed: (file, reader)}
    if options is None and path.is_dir() and (readers := _folder_readers(path)):
        return readers
    if path.is_file() and path.suffix not in FILES:
        raise ValueError(
            f"{path} is of no known format. Expected a {', '.join(FILES)} file, or .src with a .dst beside it."
        )
    if not path.exists() and (path.is_absolute() or str(source).startswith(".") or len(path.parts) > 2):
        raise FileNotFoundError(f"No file or folder {path}, and a data set of the Hub is named user/name.")
    return _dataset_readers(source, options or DatasetOptions(), unnamed)


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
            `.src` and `.dst` files whose names hold the split (see [`iter_line_posts`]), a folder in another format
            that `datasets` reads, or the id of a data set of the Hub. `valid`, `val` and `dev` also mean validation. A
            single such file, or one of Parquet, CSV or JSON, is the split that its name says.
        licenses: Only posts under one of these licences are kept.
        options: Columns, revision and token of a data set. If they are given, `datasets` reads all but line files.
        unnamed: The split that a single file is whose name says none.

    Raises:
        FileNotFoundError: There is no such source, or it holds none of the splits.
        ValueError: A file is damaged, a post is none or occurs twice, or a split holds no posts; the message names file
            and line.
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
) -> list[Post]:
    """Loads one split of a source and nothing of the others.

    Args:
        source: As for [`load_splits`].
        split: Its name; None for the only one that the source holds, else the training posts.
        licenses: As for [`load_splits`].
        options: As for [`load_splits`].

    Raises:
        FileNotFoundError: The source does not hold the split.
        ValueError: As for [`load_splits`].
    """
    if split not in (None, *SPLITS):
        raise ValueError(f"Unknown split {split!r}. Known: {', '.join(SPLITS)}.")
    readers = _readers(source, options)
    if split is None:
        split = next(iter(readers)) if len(readers) == 1 else "train"
    if split not in readers:
        held = ", ".join(readers) or "no split"
        raise FileNotFoundError(
            f"{source} has no {split} split; it holds {held}. Expected {split}.jsonl, or *{split}.src and *{split}.dst."
        )
    return _read(readers, split, licenses)


def read_posts(source: str | Path, licenses: Collection[str] | None = None) -> list[Post]:
    """The posts of a file, or of the training split where a source has several; see [`load_split`]."""
    return load_split(source, None, licenses)
