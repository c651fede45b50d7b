"""The words of a text, in any script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import regex

#: Scripts that set no space between words, and their long-vowel mark.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\uff70\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
#: One written sign of such a script, with the marks on it.
_SIGN = rf"(?:(?=[{UNSPACED}])[\p{{L}}\p{{N}}]\p{{M}}*)"
#: A run of letters, marks and digits of the other scripts; joiners may stand inside.
_RUN = rf"(?:(?![{UNSPACED}])[\p{{L}}\p{{N}}](?:(?![{UNSPACED}])[\p{{L}}\p{{M}}\p{{N}}]|\p{{M}})*+)"
_JOINED = rf"{_RUN}(?:[\u200c\u200d]{_RUN})*+"
#: Languages of code whose names hold signs; those that end in one, and those with a full stop inside.
_SIGNED = r"(?<![^\W_])(?:[Cc]\+\+\d*|[A-Za-z]\#(?![\w#]))|(?<![\w.])\.(?:NET|Net|net)(?!\w)"
_DOTTED = r"(?:\.(?:js|JS)|(?<=ASP|ADO|asp|ado)\.(?:NET|net)|(?<=ML|VB|ml|vb)\.(?:NET|net))(?!\w)"
_WORD = regex.compile(rf"{_SIGNED}|{_SIGN}|{_JOINED}(?:{_DOTTED}|(?:['\u2019]{_JOINED})*+)", regex.V1)
_ASCII_WORD = re.compile(rf"{_SIGNED}|[^\W_]+(?:{_DOTTED}|(?:'[^\W_]+)*)")
#: A word, or a whole run of such signs.
WORD_OR_RUN = regex.compile(rf"(?P<unspaced>{_SIGN}++)|{_JOINED}(?:['\u2019]{_JOINED})?", regex.V1)
SIGN = regex.compile(_SIGN)
IS_UNSPACED = regex.compile(f"[{UNSPACED}]")


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text begin and end.

    A word has its apostrophes and joiners inside; languages of code have their signs (`C++`, `.NET`, `node.js`); of
    scripts without spaces each sign, with its marks, counts as one.
    """
    return [match.span() for match in _matches(text)]


def stretches(text: str) -> Iterator[tuple[int, int, bool]]:
    """A text cut at spaces into stretches with and without anything but ASCII, and whether each is nothing else.

    No word goes over a space, and words of ASCII, which most of most posts is, are found far more quickly.
    """
    start, end, plain = 0, 0, True
    for piece in text.split(" "):
        if piece.isascii() != plain:
            if end:
                yield start, end, plain
            start, plain = end, not plain
        end += len(piece) + 1
    yield start, len(text), plain


def _matches(text: str) -> Iterator[Any]:
    for start, end, plain in stretches(text):
        yield from (_ASCII_WORD if plain else _WORD).finditer(text, start, end)


def words(text: str) -> list[str]:
    """The words of a text, see [`word_spans`]."""
    return list(each_word(text))


def each_word(text: str) -> Iterator[str]:
    """The words of a text one by one, for whoever needs but the first."""
    return (match[0] for match in _matches(text))
