"""The hashtags of a corpus that begin as somebody writes."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest

from right_hf.corpus import Corpus
from right_hf.preferences import Preferences
from right_hf.spelling.style import show
from right_hf.text.hashtags import hashtag_key


@dataclass(frozen=True, slots=True)
class Completion:
    """A hashtag that begins so.

    Attributes:
        hashtag: As people spell it, without hash sign.
        count: How many posts of the corpus carry it.
    """

    hashtag: str
    count: int


def completions(corpus: Corpus, prefix: str, count: int = 10) -> list[Completion]:
    """The hashtags whose letters and digits begin as those of a prefix, the most used first; none that is offensive.

    Args:
        corpus: Is gone through as a whole: milliseconds for thousands of hashtags, not for millions.
        prefix: `#Win`, `win` and `WIN` are the same; an empty one has no completions.
        count: At most so many.
    """
    key = hashtag_key(prefix)
    if not key:
        return []
    is_wanted = Preferences().wants(corpus)
    found = [tag for tag in corpus.hashtags if hashtag_key(tag).startswith(key) and is_wanted(tag)]
    best = nsmallest(count, found, key=lambda tag: (-corpus.hashtag_count(tag), tag))
    return [Completion(show(tag, "common", corpus.spellings) or tag, corpus.hashtag_count(tag)) for tag in best]
