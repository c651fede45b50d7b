"""Loading: a source of posts, whatever its format, gives training, validation and test posts in one schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from right_hf.data.hub import DatasetOptions, iter_dataset, open_dataset
from right_hf.data.lines import iter_line_posts
from right_hf.posts import Post, iter_posts, unique_posts

#: The splits, in this order.
SPLITS = ("train", "validation", "test")
_NAMES = {"train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation"}
_NAMES |= {"dev": "validation", "test": "test"}
# The authors of RIGHT give their cleaned copies of THG and WHG a second ending.
_LINE_FILE = re.compile(r"(?P<stem>.+)\.(?P<side>src|dst)(?P<rest>_after_cleaning\.txt)?")

Reader = Callable[[], Iterable[Post]]


def _split_of(stem: str) -> str | None:
    """The split that a file's name speaks of, alone or as a part of it (`twitter.2021.valid`), or None."""
    found = {_NAMES[part] for part in re.split(r"[._-]", stem.lower()) if part in _NAMES}
    return found.pop() if len(found) == 1 else None


def _line_pair(path: Path) -> tuple[str, Path, Path] | None:
    """Stem of a line file, the file of posts and that of hashtags, or None for another file."""
    match = _LINE_FILE.fullmatch(path.name)
    if match is None:
        return None
    stem, rest = match["stem"], match["rest"] or ""
    return stem, path.with_name(f"{stem}.src{rest}"), path.with_name(f"{stem}.dst{rest}")


def _file_reader(path: Path) -> tuple[str | None, Path, Reader] | None:
    """The split that a file belongs to, the file that stands for it, and its reader; None for a file of no posts."""
    if path.suffix == ".jsonl":
        return _NAMES.get(path.stem.lower()), path, partial(iter_posts, path)
    if pair := _line_pair(path):
        stem, source, target = pair
        return _split_of(stem), source, partial(iter_line_posts, source, target)
    return None


def _read_folder(folder: Path) -> dict[str, tuple[Path, Reader]]:
    """The splits that lie in a folder as JSONL or line files, each with its file."""
    found: dict[str, tuple[Path, Reader]] = {}
    for path in sorted(folder.iterdir()):
        split, file, reader = _file_reader(path) or (None, path, None)
        if split is None or reader is None:
            continue
        other = found.setdefault(split, (file, reader))[0]
        if other != file:
            raise ValueError(f"{folder} holds two {split} splits: {other.name} and {file.name}. Remove one of them.")
    return found


def _readers(source: str | Path, options: DatasetOptions | None) -> dict[str, tuple[str | Path, Reader]]:
    """For each split of a source the name that errors give it, and what reads it."""
    path = Path(source)
    if options is None and path.is_file():
        if (known := _file_reader(path)) is None:
            raise ValueError(f"{path} is of no known format. Expected a .jsonl file, or .src with a .dst beside it.")
        split, file, reader = known
        return {split or "test": (file, reader)}
    if options is None and path.is_dir() and (found := _read_folder(path)):
        return {split: found[split] for split in SPLITS if split in found}
    if not path.exists() and (path.is_absolute() or str(source).startswith(".") or len(path.parts) > 2):
        raise FileNotFoundError(f"No file or folder {path}, and a data set of the Hub is named user/name.")
    options = options or DatasetOptions()
    readers: dict[str, tuple[str | Path, Reader]] = {}
    for name, rows in open_dataset(str(source), options).items():
        if (split := _NAMES.get(name.lower())) is None:
            continue
        if split in readers:
            raise ValueError(f"{source} holds two {split} splits, one of them {name!r}. Remove or rename one.")
        where = f"{source}, split {name}"
        readers[split] = (where, partial(iter_dataset, rows, where, options))
    return readers


def load_splits(
    source: str | Path, licenses: Collection[str] | None = None, options: DatasetOptions | None = None
) -> dict[str, list[Post]]:
    """Loads all splits of a source: of `"train"`, `"validation"` and `"test"` those that it holds, in this order.

    Texts are cleaned by [`clean_post`] and hashtags normalised by [`normalise_hashtag`] whatever the format, so that a
    corpus takes the posts as they are.

    Args:
        source: A folder with `train.jsonl`, `validation.jsonl`, `test.jsonl` (see [`iter_posts`]) or with pairs of
            `.src` and `.dst` files whose names hold the split (see [`iter_line_posts`]), a folder in another format
            that `datasets` reads, or the id of a data set of the Hub. `valid`, `val` and `dev` also mean validation. A
            single such file is the split that its name says, or else the test split.
        licenses: Only posts under one of these licences are kept.
        options: Columns, revision and token of a data set. If they are given, `datasets` reads the source.

    Raises:
        FileNotFoundError: There is no such source, or it holds none of the splits.
        ValueError: A file is damaged, a post is none or occurs twice, or a split holds no posts; the message names file
            and line.
    """
    readers = _readers(source, options)
    if not readers:
        raise FileNotFoundError(f"{source} holds none of the splits {', '.join(SPLITS)}. Name its files after them.")
    return {split: unique_posts(read(), where, licenses) for split, (where, read) in readers.items()}


def load_split(
    source: str | Path,
    split: str,
    licenses: Collection[str] | None = None,
    options: DatasetOptions | None = None,
) -> list[Post]:
    """Loads one split of a source and nothing of the others; arguments and errors as for [`load_splits`].

    Raises:
        FileNotFoundError: The source does not hold the split.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}. Known: {', '.join(SPLITS)}.")
    readers = _readers(source, options)
    if split not in readers:
        held = ", ".join(readers) or "no split"
        raise FileNotFoundError(
            f"{source} has no {split} split; it holds {held}. Expected {split}.jsonl, or *{split}.src and *{split}.dst."
        )
    where, read = readers[split]
    return unique_posts(read(), where, licenses)
