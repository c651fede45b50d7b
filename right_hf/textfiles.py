"""Lines of text from any file or stream: UTF-8, UTF-16 or UTF-32 that begins with its mark, any of these in gzip."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

_GZIP = b"\x1f\x8b\x08"
#: The longer marks first: that of UTF-32 begins like that of UTF-16.
_WIDE = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"}
_WIDE |= {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def is_wide(start: bytes) -> bool:
    """Whether a file that begins so is in UTF-16 or UTF-32, where a byte that looks like a line feed may be none."""
    return start.startswith(tuple(_WIDE))


def utf8_lines(file: Any, errors: str = "strict") -> Iterator[bytes]:
    """The lines of a binary file or stream in UTF-8, with their ends, as they come in; only a line feed ends one.

    What claims no other coding is given as it is, be it UTF-8 or not.

    Args:
        file: An opened one, of which nothing was read.
        errors: "replace" to replace what is damaged in UTF-16 or UTF-32.

    Raises:
        ValueError: A compressed file, UTF-16 or UTF-32 is damaged.
    """
    file = file if hasattr(file, "peek") else io.BufferedReader(file)
    start = file.peek(4)[:4]
    if start.startswith(_GZIP):
        try:
            yield from utf8_lines(gzip.GzipFile(fileobj=file), errors)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"the compressed data is damaged or cut off ({error}); restore the file") from error
        return
    coding = next((name for mark, name in _WIDE.items() if start.startswith(mark)), None)
    if coding is None:
        for number, line in enumerate(file):
            yield line if number else line.removeprefix(codecs.BOM_UTF8)
        return
    try:
        for text in io.TextIOWrapper(file, coding, errors, newline="\n"):
            yield text.encode("utf-8", "replace")
    except UnicodeError as error:
        raise ValueError(f"the text is no {coding.upper()} although it begins like it ({error})") from error


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers from 1, see [`utf8_lines`].

    Raises:
        ValueError: The file is damaged; the message names it.
    """
    number = 0
    with path.open("rb") as file:
        try:
            for number, line in enumerate(utf8_lines(file), start=1):
                yield number, line
        except ValueError as error:
            raise ValueError(f"{path}, line {number + 1}: {error}. Save it again, best as UTF-8.") from error


def json_value(text: str | bytes, **settings: Any) -> Any:
    """What a text of JSON says; `settings` are those of `json.loads`.

    Raises:
        ValueError: It is no JSON, or nested too deep to be read.
    """
    try:
        return json.loads(text, **settings)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def line_value(line: bytes) -> Any:
    """What a line of JSON says, without the constants that Python adds to JSON (NaN, Infinity).

    Raises:
        ValueError: As [`json_value`]; it is no UTF-8; or it holds such a constant.
    """
    return json_value(line.strip().decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not allowed in it")


def is_stream(path: Path) -> bool:
    """Whether it can be read only once, from beginning to end: `/dev/stdin`, `<(…)` of a shell, a named pipe."""
    named = path.parent in (Path("/dev"), Path("/dev/fd"))
    return path.exists() and not path.is_dir() and (named or not path.is_file())
