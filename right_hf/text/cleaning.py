"""Cleaning: what of a raw post is read, and which hashtags its author wrote into it.

Training, corpus and queries are cleaned by the same function, so the same text is the same everywhere.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from html.entities import html5
from itertools import accumulate
from typing import NamedTuple

import regex

from right_hf.text.addresses import without_addresses
from right_hf.text.characters import plain_letters, visible
from right_hf.text.hashtags import hashtag_key, hashtag_words, with_plain_sharps, without_hash_signs

#: Characters of a post that are read; the longest microblog post in use has 25,000.
MAX_POST_CHARACTERS = 25_000
#: Characters that they may become when they are compared.
_MOST_EXPANDED = 2 * MAX_POST_CHARACTERS
#: Real posts need one pass, or two; only a text that is made to do so brings forth ever new markup.
_MAX_PASSES = 4
#: What markup, addresses, hashtags and long numbers are made of.
_MADE_OF = regex.compile(r"[&<>@#＃﹟:/.\p{N}]+")

_AMPERSANDS = regex.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")
#: An entity ends with a semicolon; those that are known without it end where the word does.
_ENTITY = regex.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|&(?:amp|lt|gt|quot|nbsp)(?![\w;=])"
)
#: The tags in which Mastodon and others deliver posts; those inside of a line leave no space.
_INLINE_TAG = regex.compile(r"</?(?:a|abbr|b|code|del|em|i|s|span|strong|u)(?:\s[^<>]*)?>", regex.IGNORECASE)
_BLOCK_TAG = regex.compile(r"</?(?:blockquote|br|div|h[1-6]|hr|img|li|ol|p|pre|ul)(?:\s[^<>]*)?/?>", regex.IGNORECASE)
#: As on Weibo from sign to sign; a language of code; else letters, marks, digits and what platforms link within them.
_HASHTAG = regex.compile(
    r"(?<![\p{L}\p{M}\p{N}_&])[#＃﹟]"
    r"(?:(?P<paired>[^#＃﹟]{0,38}?[\p{Han}\p{Hiragana}\p{Katakana}][^#＃﹟]{0,38}?)[#＃]"
    r"|(?P<marked>[A-Za-z](?:\#(?![\w#])|\+\+)|\.NET\b|[\p{L}\p{N}_](?!\ufe0f?\u20e3)[\p{L}\p{M}\p{N}_\u200c\u200d·・]*))"
    r"(?P<further>\s*(?=[#＃﹟][\p{L}\p{N}_]))?"
)

Split = Callable[[str], str]


class ReadPost(NamedTuple):
    """A raw post as it is read.

    Attributes:
        text: The cleaned post; empty where nothing readable is left.
        hashtags: What the author marked as hashtags, as written, in order, each once.
    """

    text: str
    hashtags: tuple[str, ...] = ()


def read_post(text: str, split: Split = hashtag_words) -> ReadPost:
    """Brings raw text into the form the models are trained on, and notes the hashtags in it.

    Entities are decoded, tags of markup, addresses, telephone and card numbers and hash signs removed, names of
    accounts masked as `@user`, hashtags cut into words; characters have one form (NFC, letters and digits plain), what
    shows nothing is dropped, white space collapsed. Only the first 25,000 characters are read.

    Args:
        text: The post.
        split: Cuts a hashtag in it into words.

    Raises:
        TypeError: `text` is not a string.
    """
    if not isinstance(text, str):
        raise TypeError(f"A post must be a string, got {type(text).__name__}: {text!r:.80}. Pass the post's text.")
    found: dict[str, str] = {}
    text = visible(_first(text))
    for _ in range(_MAX_PASSES):
        before, text = text, _read_once(text, split, found)
        if text == before:
            break
    else:
        text = visible(_MADE_OF.sub(" ", text))
    if len(text) > MAX_POST_CHARACTERS:  # by the spaces between the words of hashtags
        text = text[: MAX_POST_CHARACTERS + 1].rpartition(" ")[0]
    return ReadPost(text, tuple(found.values()))


def clean_post(text: str) -> str:
    """The text of [`read_post`]; cleaning what is clean already changes nothing.

    Raises:
        TypeError: `text` is not a string.
    """
    return read_post(text).text


def _first(text: str) -> str:
    """What of a text is read; of signs that stand for whole phrases (`ﷺ` for 18 letters) less."""
    text = text[:MAX_POST_CHARACTERS]
    if text.isascii() or len(unicodedata.normalize("NFKC", text)) <= _MOST_EXPANDED:
        return text
    ends = accumulate(len(unicodedata.normalize("NFKC", character)) for character in text)
    return text[: sum(end <= _MOST_EXPANDED for end in ends)]


def _read_once(text: str, split: Split, found: dict[str, str]) -> str:
    """What is left of a visible text, visible again."""
    before = text
    if "&" in text:
        text = _ENTITY.sub(_decoded, _AMPERSANDS.sub("&", text))
    if "<" in text:
        text = _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", text))
    text = without_addresses(plain_letters(text if text == before else visible(text)))
    text = with_plain_sharps(text)
    if any(sign in text for sign in "#＃﹟"):
        text = without_hash_signs(_HASHTAG.sub(partial(_note, split, found), text))
    return text if text == before else visible(text)


def _decoded(entity: regex.Match[str]) -> str:
    name: str = entity[0][1:]
    is_known = name[0] == "#" or name in html5  # unescape() also takes the beginning of others: ¬ of &notable;
    return html.unescape(entity[0]) if is_known else entity[0]


_key = lru_cache(maxsize=4096)(hashtag_key)


def _note(split: Split, found: dict[str, str], hashtag: regex.Match[str]) -> str:
    """Notes a hashtag of the post, and gives its words; a comma keeps it apart from the next one."""
    written = (hashtag["paired"] or hashtag["marked"]).strip()
    key = _key(written)
    if not key.isdigit() and key:
        found.setdefault(key, written)
    return split(written) + (", " if hashtag["further"] is not None else " " if hashtag["paired"] else "")
