"""Hashtags that nobody wrote: what a model leaves behind that has run into a loop."""

from __future__ import annotations

from collections import Counter

import regex

from right_hf.text.hashtags import hashtag_key

#: Each above what occurs five times or more in 190,000 posts: `zzz`, `ifttt`, `nom nom nom`. Syllables and ideographs
#: are doubled more freely (`哈哈哈哈哈`), and digits at will (`10000 steps`).
_RUN = regex.compile(r"(?!\p{Lo})(\p{L})\1{3}|(\p{Lo})\2{5}")
_PATTERN = regex.compile(r"(.{2})\1{4}|(.{3,16}?)\2{3}")
_REPEATED_WORD = 4
_LETTER = regex.compile(r"\p{L}")


def is_degenerate(hashtag: str) -> bool:
    """Whether a normalised hashtag is a loop rather than a hashtag.

    It has no letter (`2024`), the same letter four times running (`ffff`; six times where a letter is a syllable or a
    word), the same word four times (`a a a a`), or a short pattern at least four times running, of ten characters or
    more (`lalalalala`, `nomnomnomnom`).
    """
    if _LETTER.search(hashtag) is None or _RUN.search(hashtag) is not None:
        return True
    words = hashtag.split()
    if len(words) >= _REPEATED_WORD and max(Counter(words).values()) >= _REPEATED_WORD:
        return True
    return _PATTERN.search(hashtag_key(hashtag)) is not None
