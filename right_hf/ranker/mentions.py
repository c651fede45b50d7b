"""What of a post may be a hashtag: about half of those that people use stand in the text as words.

Hashtags of the corpus are found with any number of words. Others, which nobody in the corpus has used yet, can be any
phrase of a few words; not in scripts without spaces, since there no words begin and end.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop
from itertools import accumulate, pairwise
from typing import NamedTuple

import regex

from right_hf.corpus import Corpus
from right_hf.forks import Lock
from right_hf.ranker.records import Mention
from right_hf.text.characters import is_folded
from right_hf.text.hashtags import hashtag_key, normalise_hashtag
from right_hf.text.words import IS_UNSPACED, word_spans, words

#: What may stand between the words of a phrase.
_GAP = regex.compile(r"[\s'\u2019&-]*")
_LATIN_LETTER = regex.compile(r"\p{Latin}\p{M}*")
#: Words of a post that a hashtag of the corpus may take, and one that is not known.
_LONGEST, _LONGEST_UNKNOWN = 32, 3
#: Characters of a word beyond which it is part of no hashtag that nobody has used yet.
_LONGEST_WORD = 200
#: Characters by whose first it is seen that no hashtag of the corpus begins so.
_STEM = 6

#: The first and the last of some words.
_Run = tuple[int, int]


class MentionFinder:
    """Finds hashtags in posts, whatever spaces, signs and case they are written with there.

    A mention begins and ends with words of the post: `ai` does not stand in "said", `dev ops` stands in "DevOps". A
    Latin letter alone mentions nothing: "Plan C" is no language. The corpus may change: hashtags that come are taken up
    when the next post is read, those that are gone are not known.

    Args:
        is_telling: Says of a word whether an unknown hashtag may begin or end with it (a stop word may not).
    """

    def __init__(self, is_telling: Callable[[str], bool]) -> None:
        self._is_telling = is_telling
        self._stems: set[str] = set()  # of the keys of all hashtags that came
        self._seen = 0
        self._longest = 1
        self._growing = Lock()

    def find(self, post: str, corpus: Corpus, is_telling: Callable[[str], bool] | None = None) -> Mentions:
        """The hashtags that stand in a post, known to the corpus or not, each with its first mention.

        Args:
            post: A cleaned post.
            corpus: The corpus at this moment; always the same one or what came of it by changes.
            is_telling: Says the same as that of the finder, where the caller has it at hand.
        """
        self._take_up(corpus)
        words, stems = _Words(post, is_telling or self._is_telling), self._stems
        keys, follows, ends = words.keys, words.follows, words.ends
        known: dict[str, _Run] = {}
        unknown: dict[str, _Run] = {}
        for first, begins in enumerate(words.begins):
            key = ""
            for last in range(first, min(first + self._longest, len(keys))):
                key += keys[last]
                may_be_known = key[:_STEM] in stems
                begins = begins and last - first < _LONGEST_UNKNOWN and (last == first or follows[last])
                if not (may_be_known or begins):
                    break
                hashtag = corpus.forms.of_key(key) if may_be_known else None
                if hashtag is not None and corpus.hashtag_count(hashtag):
                    if len(key) > 1 or not words.is_latin(first):
                        known.setdefault(hashtag, (first, last))
                elif begins and ends[last] and (phrase := words.phrase(first, last)) is not None:
                    unknown.setdefault(phrase, (first, last))
        return Mentions(words, known, unknown)

    def _take_up(self, corpus: Corpus) -> None:
        """Takes up the hashtags that have come since."""
        if not corpus.hashtags_since(self._seen):
            return  # without the lock, so that nobody waits
        with self._growing:
            new = corpus.hashtags_since(self._seen)
            for hashtag in new:
                count = 1 if hashtag.isascii() and hashtag.isalnum() else len(words(hashtag))
                self._longest = min(_LONGEST, max(self._longest, _LONGEST_UNKNOWN, count))
            keys = [hashtag_key(hashtag) for hashtag in new]
            for end in range(1, _STEM + 1):
                self._stems.update([key[:end] for key in keys])
            self._seen += len(new)


class Mentions(Mapping[str, Mention]):
    """The hashtags that stand in a post, with where they do, which is looked up only of those that are asked for.

    A long post has thousands of phrases; few of them are ranked.

    Args:
        words: The post.
        known: The words of each hashtag of the corpus.
        unknown: And of each that it does not have.
    """

    def __init__(self, words: _Words, known: Mapping[str, _Run], unknown: Mapping[str, _Run]) -> None:
        self._words = words
        self._known = known
        self._unknown = unknown

    @property
    def known(self) -> list[str]:
        """Those of the corpus."""
        return list(self._known)

    def unknown(self, rarity: Callable[[str], float]) -> Iterator[str]:
        """The others, those with the rarest words first: a phrase is as rare as the commonest of its words.

        Args:
            rarity: Says of a word how rare it is.
        """
        rarities = self._words.each(lambda word: min(map(rarity, word.split())))
        heap = [(-min(rarities[first : last + 1]), tag) for tag, (first, last) in self._unknown.items()]
        heapify(heap)
        while heap:
            yield heappop(heap)[1]

    def word_count(self, hashtag: str) -> int:
        """The words of the post that a hashtag takes."""
        first, last = self._run(hashtag)
        return last - first + 1

    def _run(self, hashtag: str) -> _Run:
        return self._known[hashtag] if hashtag in self._known else self._unknown[hashtag]

    def __getitem__(self, hashtag: str) -> Mention:
        return self._words.mention(*self._run(hashtag))

    def __contains__(self, hashtag: object) -> bool:
        return hashtag in self._known or hashtag in self._unknown

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._unknown})

    def __len__(self) -> int:
        return len(self._known.keys() | self._unknown.keys())


class _Word(NamedTuple):
    """What is the same of a word wherever it stands: its key, its form in a hashtag, and what it can be in one."""

    key: str
    form: str
    may_end: bool
    is_number: bool
    is_unspaced: bool

    @classmethod
    def of(cls, text: str, is_telling: Callable[[str], bool]) -> _Word:
        if IS_UNSPACED.match(text):
            is_plain = len(text) == 1 and not unicodedata.decomposition(text)
            return cls(text if is_plain else hashtag_key(text), "", False, False, True)
        if len(text) > _LONGEST_WORD:
            return cls(hashtag_key(text), "", False, False, False)
        lower = text.lower()
        if is_folded(lower):
            return cls(lower, lower, is_telling(lower), text.isdigit(), False)
        form = normalise_hashtag(text)
        return cls(hashtag_key(text), form, bool(form) and is_telling(form), text.isdigit(), False)


class _Words:
    """The words of a post.

    Attributes:
        keys: What each compares by.
        begins: Whether a hashtag that is not known may begin with it.
        ends: Whether such a hashtag may end with it.
        follows: Whether it may be one of such a hashtag with the word before it.
    """

    def __init__(self, post: str, is_telling: Callable[[str], bool]) -> None:
        self._length = len(post)
        self._spans = word_spans(post)
        self._texts = [post[start:end] for start, end in self._spans]
        self._known = {text: _Word.of(text, is_telling) for text in set(self._texts)}
        words = [self._known[text] for text in self._texts]
        self.keys = [word.key for word in words]
        self.ends = [word.may_end for word in words]
        self._forms = [word.form for word in words]
        self._numbers = [word.is_number for word in words]
        self.begins = [
            ends and end - start > 1 and (not start or post[start - 1] != "@")
            for ends, (start, end) in zip(self.ends, self._spans, strict=True)
        ]
        gaps = (
            (b[0] - a[1] == 1 and post[a[1]] == " ") or _GAP.fullmatch(post, a[1], b[0]) is not None
            for a, b in pairwise(self._spans)
        )
        self.follows = [gap and not word.is_unspaced for gap, word in zip([False, *gaps], words, strict=False)]
        self._capitalised = _running(text[0].isupper() for text in self._texts)
        self._capitals = _running(len(text) > 1 and text.isupper() for text in self._texts)
        self._last_letter = next((at for at in range(len(post) - 1, -1, -1) if post[at].isalnum()), -1)

    def is_latin(self, row: int) -> bool:
        """Whether a word is a Latin letter alone."""
        return _LATIN_LETTER.fullmatch(self._texts[row]) is not None

    def each(self, value: Callable[[str], float]) -> list[float]:
        """A value for the form that each word has in a hashtag."""
        values = {form: value(form) if form else 0.0 for form in {word.form for word in self._known.values()}}
        return [values[form] for form in self._forms]

    def phrase(self, first: int, last: int) -> str | None:
        """The hashtag that some words would be; None where it would be a number."""
        if self._numbers[first] and all(self._numbers[first : last + 1]):
            return None
        return self._forms[first] if first == last else " ".join(self._forms[first : last + 1])

    def mention(self, first: int, last: int) -> Mention:
        """Where and how some words stand in the post."""
        count, after = last + 1 - first, last + 1
        return Mention(
            position=self._spans[first][0] / self._length,
            words=count,
            capitalised=(self._capitalised[after] - self._capitalised[first]) / count,
            capitals=(self._capitals[after] - self._capitals[first]) / count,
            ends=self._spans[last][1] > self._last_letter,
        )


def _running(flags: Iterable[bool]) -> list[int]:
    """How many of the flags before each place are set."""
    return list(accumulate(flags, initial=0))
