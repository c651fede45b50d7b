"""Parallel line files, the format of THG and WHG: line n of `*.src` is a post, line n of `*.dst` its hashtags."""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterator
from pathlib import Path

from right_hf.data.identity import identified
from right_hf.posts import Post, parse_post

#: What stands between two hashtags of a post.
SEPARATOR = "[SEP]"
_SHOWN = 5

logger = logging.getLogger(__name__)


def split_hashtags(line: str, separator: str = SEPARATOR) -> list[str]:
    """The hashtags of one line, as they are written; empty pieces are dropped."""
    return [piece for part in line.split(separator) if (piece := part.strip())]


def _read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file; only a line feed ends a line, since posts may hold other line separators."""
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}. A .src file of posts needs a .dst file of hashtags, and vice versa.")
    raw = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    if not raw[-1]:
        raw.pop()  # the end of the last line
    lines: list[str] = []
    for number, line in enumerate(raw, start=1):
        try:
            lines.append(line.decode().strip("\r"))
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
    unusable: list[int] = []
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True), start=1):
        if bool(text.strip()) != bool(answer.strip()):
            empty, other = (target, source) if text.strip() else (source, target)
            raise ValueError(f"{empty}, line {number} is empty, but not that of {other}. Fill or remove both lines.")
        post = parse_post({"id": "", "text": text, "hashtags": split_hashtags(answer)})
        if post.text and post.hashtags:
            yield post
        elif text.strip():
            unusable.append(number)
    if unusable:
        shown = ", ".join(map(str, unusable[:_SHOWN])) + (", …" if len(unusable) > _SHOWN else "")
        logger.warning(
            "%s: left out %d posts of which cleaning leaves no text or no hashtag: lines %s.",
            source, len(unusable), shown,
        )  # fmt: skip


def iter_line_posts(source: Path, target: Path) -> Iterator[Post]:
    """Reads posts from a pair of line files.

    Texts and hashtags are cleaned like all others. Lines that are empty in both files, repeats of a hashtag within a
    post and repeats of a pair of text and hashtags are dropped; so are, with a warning that names their lines, posts of
    which cleaning leaves no text or no hashtag. Ids are hashes of text and hashtags.

    Raises:
        FileNotFoundError: One of the files is missing.
        ValueError: The files have different numbers of lines, one is not UTF-8, or a line is empty in one of them only;
            the message names file and line.
    """
    return identified(_parse_lines(source, target))
