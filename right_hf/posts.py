"""Posts with hashtags: one record type, and the cleaning that training and inference share."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

#: Characters of a post that are read; the longest microblog post in use has 25,000.
MAX_POST_CHARACTERS = 25_000

# A URL ends where Chinese text or punctuation begins, which need not be set off by a space.
_URL = re.compile(r"(?:https?://|\bwww\.)[^\s\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w@])@\w+")
_HASH_SIGN = re.compile(r"[#\uff03]+")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Post:
    """A microblog post and the hashtags its author gave it.

    Attributes:
        id: Unique within a corpus.
        text: The post without hashtag signs.
        hashtags: Normalised hashtags (see [`normalise_hashtag`]) in order of appearance, without repeats.
        created_at: ISO 8601 time in UTC, or None.
        license: SPDX name of the licence the source states, or None.
        author: An opaque mark of who wrote it, or None. Compared for equality only, so give a keyed hash, never a name.
    """

    id: str
    text: str
    hashtags: tuple[str, ...] = ()
    created_at: str | None = None
    license: str | None = None
    author: str | None = None


def _drop_unprintable(text: str) -> str:
    """Drops control characters, unassigned code points and lone surrogates; any white space becomes a space."""
    kept = (
        " " if c.isspace() else c
        for c in text
        if c.isspace() or c in "\u200d\ufe0f" or unicodedata.category(c) not in {"Cc", "Cf", "Cn", "Cs"}
    )
    return "".join(kept)


def clean_post(text: str) -> str:
    """Brings raw text into the form the models are trained on.

    HTML entities are decoded, URLs and hash signs removed, mentions masked as `@user`, control characters, NUL bytes
    and lone surrogates dropped, white space collapsed. Only the first 25,000 characters are read.

    Returns:
        The cleaned text; empty where nothing readable is left.

    Raises:
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"A post must be a string, got {type(text).__name__}: {text!r:.80}. Pass the post's text.")
    text = _drop_unprintable(html.unescape(text[:MAX_POST_CHARACTERS]))
    text = _HASH_SIGN.sub(" ", _MENTION.sub("@user", _URL.sub(" ", text)))
    return _SPACE.sub(" ", text)[:MAX_POST_CHARACTERS].strip()


def normalise_hashtag(hashtag: str) -> str:
    """Lower-cases a hashtag, removes hash signs and collapses white space: `"#Dev  Ops"` becomes `"dev ops"`."""
    return _SPACE.sub(" ", _HASH_SIGN.sub(" ", _drop_unprintable(hashtag))).strip().lower()


def letters_and_digits(text: str) -> str:
    """What of a text decides whether a hashtag stands in it: its letters and digits, in lower case."""
    return "".join(character for character in text.lower() if character.isalnum())


def parse_post(record: Any) -> Post:
    """Turns a mapping with the fields of a post into a post, cleaned and normalised: the one way in for all data.

    Raises:
        ValueError: A field is missing or of another type; the message says which one.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, got {type(record).__name__}")
    for field, kind in (("id", str), ("text", str), ("hashtags", list)):
        if not isinstance(record.get(field), kind):
            raise ValueError(f'field "{field}" must be a {kind.__name__}, got {record.get(field)!r:.80}')
    record["id"].encode()  # raises ValueError for lone surrogates, which no file could hold
    for field in ("created_at", "license", "author"):
        if not isinstance(record.get(field), str | None):
            raise ValueError(f'field "{field}" must be a str or null, got {record[field]!r:.80}')
    if not all(isinstance(hashtag, str) for hashtag in record["hashtags"]):
        raise ValueError(f'field "hashtags" must hold strings only, got {record["hashtags"]!r:.80}')
    hashtags = dict.fromkeys(normalise_hashtag(hashtag) for hashtag in record["hashtags"])
    return Post(
        id=record["id"],
        text=clean_post(record["text"]),
        hashtags=tuple(hashtag for hashtag in hashtags if hashtag),
        created_at=record.get("created_at"),
        license=record.get("license"),
        author=record.get("author"),
    )
