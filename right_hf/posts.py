"""Posts with hashtags: one record type, and the one way in for all of them, from files, from code and from the Hub."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from right_hf.text.characters import visible
from right_hf.text.cleaning import clean_post
from right_hf.text.hashtags import hashtag_key, hashtag_words, normalise_hashtag, without_hash_signs
from right_hf.times import standard_time

#: Fields of a post that are strings or None.
_OPTIONAL = ("license", "author", "basis")


@dataclass(frozen=True, slots=True)
class Post:
    """A microblog post and the hashtags its author gave it.

    A corpus takes a post as it comes and keeps it in the form that [`prepared`] gives it.

    Attributes:
        id: Unique within a corpus.
        text: The post; a corpus holds it cleaned (see [`right_hf.text.cleaning.clean_post`]).
        hashtags: In order of appearance; a corpus holds them normalised, without repeats (see
            [`right_hf.text.hashtags.normalise_hashtag`]).
        created_at: ISO 8601 time in UTC, or None.
        license: SPDX name of the licence the source states, or None.
        author: An opaque mark of who wrote it, or None. Compared for equality only, so give a keyed hash, never a name.
        spellings: Each hashtag as its author wrote it, or "" where that is not known; empty where none is.
        basis: Who states the licence: "owner", who may give it, "repository", who passes the post on; or None.
    """

    id: str
    text: str
    hashtags: tuple[str, ...] = ()
    created_at: str | None = None
    license: str | None = None
    author: str | None = None
    spellings: tuple[str, ...] = ()
    basis: str | None = None


_key = lru_cache(maxsize=1 << 14)(hashtag_key)


def wrong_with_hashtag(hashtag: object) -> str | None:
    """What keeps something from being a hashtag, in words; None where it is one."""
    if not isinstance(hashtag, str):
        return f"must be a string, got {type(hashtag).__name__}: {hashtag!r:.80}"
    if not _key(hashtag):
        return f"must hold a letter or a digit, got {hashtag!r:.80}"
    if set(hashtag if hashtag.isascii() else unicodedata.normalize("NFKC", hashtag)) & set("@<>"):  # ＠, ﹤ too
        return f"must be no account and hold no markup, got {hashtag!r:.80}"
    return None


@lru_cache(maxsize=1 << 14)
def _kept(hashtag: str, spelling: str) -> tuple[str, str, str]:
    """A hashtag's key, how it is kept, and how its author wrote it, if what was given says so."""
    normal = normalise_hashtag(hashtag)
    if normal == hashtag:
        return hashtag_key(normal), hashtag, spelling
    written = without_hash_signs(visible(hashtag)).strip()
    kept = normalise_hashtag(hashtag_words(written))
    return hashtag_key(kept), kept, spelling or ("" if " " in written else written)


def prepared(post: Post) -> Post:
    """A post as a corpus holds it: text cleaned, hashtags normalised, each once, time in UTC.

    `#MachineLearning` becomes the hashtag "machine learning" with the spelling "MachineLearning". Preparing what is
    prepared changes nothing.

    Raises:
        TypeError: It is no post, or its hashtags are one string.
        ValueError: A field is of another type or holds what it cannot; the message says which post and what.
    """
    if not isinstance(post, Post):
        raise TypeError(f"Expected a right_hf.Post, got {type(post).__name__}: {post!r:.80}.")
    if isinstance(post.hashtags, str):
        raise TypeError(f"The hashtags of post {post.id!r} are one string. Give a tuple: ({post.hashtags!r},).")
    if problem := _wrong_with(post):
        raise ValueError(f"Post {post.id!r:.80}: {problem}")
    time = post.created_at
    if time is not None:
        try:
            time = standard_time(time.isoformat() if isinstance(time, datetime) else time)
        except ValueError as error:
            raise ValueError(f"Post {post.id!r:.80}: {error}") from None
    spellings = tuple(post.spellings) or ("",) * len(post.hashtags)
    kept = dict[str, tuple[str, str]]()
    for hashtag, spelling in zip(post.hashtags, spellings, strict=True):
        key, normal, written = _kept(hashtag, spelling)
        first, known = kept.get(key, (normal, ""))
        kept[key] = (first, known or written)
    hashtags = tuple(normal for normal, _ in kept.values())
    written_as = tuple(written for _, written in kept.values())
    text = clean_post(post.text)
    spellings = written_as if any(written_as) else ()
    if (text, hashtags, time, spellings) == (post.text, post.hashtags, post.created_at, post.spellings):
        return post
    return replace(post, text=text, hashtags=hashtags, created_at=time, spellings=spellings)


def _wrong_with(post: Post) -> str | None:
    """What is wrong with the fields of a post, in words."""
    for name, value in (("id", post.id), ("text", post.text)):
        if not isinstance(value, str):
            return f"{name} must be a string, got {type(value).__name__}: {value!r:.80}"
    for name in ("created_at", *_OPTIONAL):
        optional = getattr(post, name)
        if not isinstance(optional, str | None) and not (name == "created_at" and isinstance(optional, datetime)):
            return f"{name} must be a string or None, got {type(optional).__name__}: {optional!r:.80}"
    for name, several in (("hashtags", post.hashtags), ("spellings", post.spellings)):
        if not isinstance(several, Sequence) or isinstance(several, str):
            return f"{name} must be a tuple of strings, got {type(several).__name__}: {several!r:.80}"
    if problem := next(filter(None, map(wrong_with_hashtag, post.hashtags)), None):
        return f"a hashtag {problem}"
    if post.spellings and len(post.spellings) != len(post.hashtags):
        return f"there are {len(post.hashtags)} hashtags but {len(post.spellings)} spellings; give one each"
    if problem := next(filter(None, (wrong_with_hashtag(one) for one in post.spellings if one != "")), None):
        return f"a spelling {problem}"
    try:
        "".join(
            filter(None, (post.id, *(getattr(post, name) for name in _OPTIONAL), *post.hashtags, *post.spellings))
        ).encode()
    except UnicodeEncodeError:
        return "it holds a lone surrogate, which no file can"
    return None


def parse_post(record: Any) -> Post:
    """Turns a mapping with the fields of a post into a prepared post.

    What of `hashtags` holds neither letter nor digit is left out, such as the "" that splitting a line leaves.

    Raises:
        ValueError: A field is missing or of another type; the message says which one.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected a JSON object, got {type(record).__name__}")
    for field, kind in (("id", str), ("text", str), ("hashtags", list)):
        if not isinstance(record.get(field), kind):
            raise ValueError(f'field "{field}" must be a {kind.__name__}, got {record.get(field)!r:.80}')
    for field in ("created_at", *_OPTIONAL):
        if not isinstance(record.get(field), str | None):
            raise ValueError(f'field "{field}" must be a str or null, got {record[field]!r:.80}')
    if not all(isinstance(hashtag, str) for hashtag in record["hashtags"]):
        raise ValueError(f'field "hashtags" must hold strings only, got {record["hashtags"]!r:.80}')
    spellings = record.get("spellings") or []
    if not isinstance(spellings, list) or len(spellings) not in (0, len(record["hashtags"])):
        raise ValueError(f'field "spellings" must be a list with one for each hashtag, got {spellings!r:.80}')
    rows = [row for row, hashtag in enumerate(record["hashtags"]) if hashtag_key(hashtag)]
    return prepared(
        Post(
            id=record["id"],
            text=record["text"],
            hashtags=tuple(record["hashtags"][row] for row in rows),
            created_at=record.get("created_at"),
            **{name: record.get(name) for name in _OPTIONAL},
            spellings=tuple(spellings[row] for row in rows) if spellings else (),
        )
    )
