"""Putting a hashtag into a post."""

from __future__ import annotations

import re

from right_hf.text.hashtags import hashtag_key

_WORD = re.compile(r"\w+")
#: What may stand between the words of one hashtag.
_GAP = re.compile(r"[ \t&'’_-]*")
#: What a word begins with that is none of the post's: a hashtag, a mention, part of an address.
_TAKEN = re.compile(r"[#＃@/.:\w-]")
_MOST_WORDS = 6


def put(post: str, posted: str) -> str:
    """The post with a hashtag: marked where its words stand first, else at the end.

    Args:
        post: As it is being written.
        posted: The hashtag as it is posted, with its hash sign.
    """
    place = _place(post, hashtag_key(posted))
    if place is None:
        return f"{post.rstrip()} {posted}".lstrip()
    start, end = place
    return post[:start] + posted + post[end:]


def _place(post: str, key: str) -> tuple[int, int] | None:
    """Where the words of a hashtag stand, as a whole; None where they do not."""
    words = [match.span() for match in _WORD.finditer(post)]
    for first, (start, _) in enumerate(words):
        if start and _TAKEN.match(post[start - 1]):
            continue
        for last in range(first, min(len(words), first + _MOST_WORDS)):
            end = words[last][1]
            if last > first and not _GAP.fullmatch(post[words[last - 1][1] : words[last][0]]):
                break
            if hashtag_key(post[start:end]) == key and not _goes_on(post, end):
                return start, end
    return None


def _goes_on(post: str, end: int) -> bool:
    """Whether what ends there is part of something longer: an address (example.org, me@home), C++, C#, it's."""
    return re.match(r"[@/+#:]\S|[+#]|[.'’-]\w", post[end:]) is not None
