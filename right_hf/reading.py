"""How a model reads a post: cleaned, with the hashtags in it cut into the words that its corpus knows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from right_hf.languages import is_foreign
from right_hf.retriever.base import Retriever
from right_hf.text.cleaning import read_post
from right_hf.text.hashtags import hashtag_key, hashtag_words
from right_hf.text.words import IS_UNSPACED, each_word

#: Hashtags of a post that are cut by what the corpus knows, and the letters of one; beyond that no person writes.
_MOST_HASHTAGS, _MOST_LETTERS = 20, 30
#: What a stop word costs, and what each further word, so that words fall apart only into much commoner ones.
_STOP_WORD, _BREAK = 1.0, 0.5
#: What each letter of a word costs that no post of the corpus has: the longer, the less likely it is one.
_UNKNOWN_LETTER = 0.7
#: Fewer words than this say nothing, unless they are a hashtag of the corpus.
_LEAST_WORDS = 2
#: Characters beyond which a text is not looked up among the hashtags of the corpus.
_LONGEST_HASHTAG = 500


class Reading(NamedTuple):
    """A post as it is read.

    Attributes:
        text: The cleaned post.
        query: What similar posts are searched with: the text, and hashtags as they are in posts of the corpus.
        hashtags: What its author marked as hashtags, as written.
        foreign: Whether it is in a language that the corpus does not know.
    """

    text: str
    query: str
    hashtags: tuple[str, ...] = ()
    foreign: bool = False


class Reader:
    """Reads posts for a model.

    Args:
        retriever: Whose corpus and terms are known; they may change.
    """

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever

    def read(self, post: str) -> Reading:
        """Cleans a post, and looks whether the corpus knows its language.

        Raises:
            TypeError: It is not a string.
        """
        reading = self._cleaned(post)
        return reading._replace(foreign=is_foreign(reading.text, self._retriever))

    def _cleaned(self, post: str) -> Reading:
        plain = read_post(post)
        if not plain.hashtags:
            return Reading(plain.text, plain.text)
        known = {
            written: cut
            for written in plain.hashtags[:_MOST_HASHTAGS]
            if (cut := self._words(written)) != hashtag_words(written)
        }
        if not known:
            return Reading(plain.text, plain.text, plain.hashtags)
        text = read_post(post, lambda written: known.get(written) or hashtag_words(written)).text
        if text == plain.text:
            return Reading(text, text, plain.hashtags)
        had = set(text.lower().split())
        missing = [word for word in plain.text.split() if word.lower() not in had]  # as often as they stand there
        return Reading(text, " ".join([text, *missing]), plain.hashtags)

    def says_something(self, text: str) -> bool:
        """Whether there is enough in a cleaned post to go by: two words, or one that is a hashtag of the corpus.

        A letter alone is no word, a sign of a script without spaces is one.
        """
        has_terms = bool(self._retriever.idf("x"))
        found: set[str] = set()
        seen: set[str] = set()
        for word in each_word(text):
            if word in seen:
                continue
            seen.add(word)
            if (len(word) > 1 or IS_UNSPACED.match(word)) and (not has_terms or self._retriever.idf(word)):
                found.add(hashtag_key(word))
            if len(found) >= _LEAST_WORDS:
                return True
        corpus = self._retriever.corpus
        tags = [tag for tag in (text, *found) if len(tag) <= _LONGEST_HASHTAG]
        return any(corpus.hashtag_count(tag) > 0 for tag in tags if hashtag_key(tag))

    def _words(self, written: str) -> str:
        """The words of a written hashtag: of those that it may consist of the ones that are commonest in the corpus."""
        own = hashtag_words(written)
        corpus = self._retriever.corpus
        nobodys = math.log(2 * len(corpus) + 2)

        @cache
        def cost(word: str) -> float:
            found = max(self._retriever.idf(word), default=_STOP_WORD)
            return found if found < nobodys else found + _UNKNOWN_LETTER * len(word)

        options = {own: _total(own.split(), cost)}
        if len(written) <= _MOST_LETTERS:
            cut = [piece for word in own.split() for piece in _cut(word, cost)]
            options.setdefault(" ".join(cut), _total(cut, cost))
        form = corpus.form(written)
        if (count := corpus.hashtag_count(written)) and not (" " in own and " " in form):
            options[form] = math.log(1 + len(corpus) / count)  # as likely as the hashtag is
        return min(options, key=lambda option: options[option])


def _total(pieces: Sequence[str], cost: Callable[[str], float]) -> float:
    return sum(map(cost, pieces)) + _BREAK * (len(pieces) - 1)


def _cut(run: str, cost: Callable[[str], float]) -> list[str]:
    """The way to cut a run of lower-case letters into words whose costs sum up to the least (Viterbi, 1967)."""
    if not (run.islower() and run.isalpha() and len(run) > 4):
        return [run]
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(run) + 1):
        ways = ((best[start][0] + cost(run[start:end]) + (_BREAK if start else 0.0), start) for start in range(end))
        best.append(min(ways))
    pieces: list[str] = []
    end = len(run)
    while end:
        start = best[end][1]
        pieces.append(run[start:end])
        end = start
    return pieces[::-1]
