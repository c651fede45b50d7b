"""Files with a post a line: JSONL, and the pairs of THG and WHG, `*.src` of posts and `*.dst` of their hashtags."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from right_hf.posts import Post, parse_post
from right_hf.textfiles import json_value, numbered_lines
from right_hf.workers import Engine

#: What stands between two hashtags of a post.
SEPARATOR = "[SEP]"
_SHOWN = 5

logger = logging.getLogger(__name__)


def content_id(post: Post) -> str:
    """An id that depends on text and hashtags only, not on the place in a file: 20 hexadecimal digits."""
    content = json.dumps([post.text, post.hashtags], ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


def identified(posts: Iterable[Post], seen: set[str] | None = None) -> Iterator[Post]:
    """Gives posts without ids their [`content_id`]; of posts with equal text and hashtags only the first is kept.

    Those whose ids are `seen` are left out too; the others' are added to it.
    """
    seen = set() if seen is None else seen
    for post in posts:
        found = content_id(post)
        if found not in seen:
            seen.add(found)
            yield dataclasses.replace(post, id=found)


#: Posts of a source that are parsed at once.
DEALT = 512


def iter_json_posts(path: Path, engine: Engine = map, dealt: int = 1) -> Iterator[Post]:
    """Reads posts from a JSONL file.

    A line holds the fields `text`, `hashtags` and optionally `id`, `created_at`, `license`, `author` of [`Post`]. Posts
    without ids are given them as by [`identified`]; ids may be whole numbers, too. The file may be compressed by gzip,
    and be in UTF-16.

    Args:
        path: The file.
        engine: What shares the work out.
        dealt: Lines that are shared out at once, and read ahead.

    Raises:
        ValueError: A line is no such record; the message names file and line.
    """
    seen: set[str] = set()
    lines = ((number, line) for number, line in numbered_lines(path) if line.strip())
    for parsed in engine(partial(_parse_json, path), iter(lambda: list(islice(lines, dealt)), [])):
        for has_id, post in parsed:
            yield from [post] if has_id else identified([post], seen)


def _parse_json(path: Path, lines: Sequence[tuple[int, bytes]]) -> list[tuple[bool, Post]]:
    """The posts of numbered lines, and whether each has an id."""
    found = []
    for number, line in lines:
        try:
            record = json_value(line.decode())
            has_id = not isinstance(record, dict) or "id" in record
            post = parse_post(record | {"id": plain_id(record.get("id", ""))} if isinstance(record, dict) else record)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}. Correct or remove the line.") from error
        found.append((has_id, post))
    return found


def plain_id(value: Any) -> Any:
    """A whole number that is an id as a string, anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def split_hashtags(line: str, separator: str = SEPARATOR) -> list[str]:
    """The hashtags of one line, as they are written; empty pieces are dropped."""
    return [piece for part in line.split(separator) if (piece := part.strip())]


def _read_lines(path: Path) -> list[str]:
    """The lines of a file; only a line feed ends a line, since posts may hold other line separators."""
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}. A .src file of posts needs a .dst file of hashtags, and vice versa.")
    lines: list[str] = []
    for number, line in numbered_lines(path):
        try:
            lines.append(line.removesuffix(b"\n").decode().strip("\r"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}, line {number}: expected UTF-8 ({error}). Convert the file to UTF-8.") from error
    return lines


def _parse_lines(source: Path, target: Path) -> Iterator[Post]:
    texts, answers = _read_lines(source), _read_lines(target)
    if len(texts) != len(answers):
        raise ValueError(
            f"{source} has {len(texts)} lines, but {target} has {len(answers)}: line n of both belongs to one post. "
            "Restore the files; one of them is cut off or has additional lines."
        )
    unusable: list[str] = []
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True), start=1):
        if bool(text.strip()) != bool(answer.strip()):
            empty, other = (target, source) if text.strip() else (source, target)
            raise ValueError(f"{empty}, line {number} is empty, but not that of {other}. Fill or remove both lines.")
        try:
            post = parse_post({"id": "", "text": text, "hashtags": split_hashtags(answer)})
        except ValueError as error:
            raise ValueError(f"{target}, line {number}: {error}. Correct or remove the line.") from error
        if post.text and post.hashtags:
            yield post
        elif text.strip():
            unusable.append(str(number))
    if unusable:
        shown = ", ".join(unusable[:_SHOWN]) + (", …" if len(unusable) > _SHOWN else "")
        what = f"{len(unusable)} posts of which cleaning leaves no text or no hashtag: lines {shown}"
        logger.warning("%s: left out %s.", source, what)


def iter_line_posts(source: Path, target: Path) -> Iterator[Post]:
    """Reads posts from a pair of line files.

    Texts and hashtags are cleaned like all others. Lines that are empty in both files, repeats of a hashtag within a
    post and repeats of a pair of text and hashtags are dropped; so are, with a warning that names their lines, posts of
    which cleaning leaves no text or no hashtag. Ids are hashes of text and hashtags.

    Raises:
        FileNotFoundError: One of the files is missing.
        ValueError: The files have different numbers of lines, one is not UTF-8, or a line is empty in one of them only
            or has something else than hashtags; the message names file and line.
    """
    return identified(_parse_lines(source, target))
