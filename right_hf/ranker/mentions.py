"""What of a post may be a hashtag: about half of those that people use stand in the text as words.

Hashtags of the corpus are found with any number of words. Others, which nobody in the corpus has used yet, can be any
phrase of a few words; not in scripts without spaces, since there no words begin and end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise

import regex

from right_hf.corpus import Corpus
from right_hf.ranker.records import Mention
from right_hf.text.hashtags import hashtag_key, normalise_hashtag
from right_hf.text.words import is_unspaced, word_spans, words

#: What may stand between the words of a phrase.
_GAP = regex.compile(r"[\s'\u2019&-]*")
_LATIN_LETTER = regex.compile(r"\p{Latin}\p{M}*")
#: Words of a post that a hashtag of the corpus may take, and one that is not known.
_LONGEST, _LONGEST_UNKNOWN = 32, 3
#: Characters by whose first it is seen that no hashtag of the corpus begins so.
_STEM = 6


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
        self._growing = threading.Lock()

    def find(self, post: str, corpus: Corpus) -> dict[str, Mention]:
        """The hashtags that stand in a post, known to the corpus or not, each with its first mention.

        Args:
            post: A cleaned post.
            corpus: The corpus at this moment; always the same one or what came of it by changes.
        """
        self._take_up(corpus)
        found: dict[str, Mention] = {}
        words = _Words(post, self._is_telling)
        for first, begins in enumerate(words.begins):
            key = ""
            for last in range(first, min(first + self._longest, len(words.keys))):
                key += words.keys[last]
                may_be_known = key[:_STEM] in self._stems
                begins = begins and last - first < _LONGEST_UNKNOWN and (last == first or words.follows[last])
                if not (may_be_known or begins):
                    break
                hashtag = corpus.forms.of_key(key) if may_be_known else None
                if hashtag is None or not corpus.hashtag_count(hashtag):
                    hashtag = words.phrase(first, last) if begins and words.ends[last] else None
                elif len(key) == 1 and words.is_latin(first):
                    hashtag = None
                if hashtag is not None and hashtag not in found:
                    found[hashtag] = words.mention(first, last)
        return found

    def _take_up(self, corpus: Corpus) -> None:
        """Takes up the hashtags that have come since."""
        if not corpus.hashtags_since(self._seen):
            return  # without the lock, so that nobody waits
        with self._growing:
            new = corpus.hashtags_since(self._seen)
            for hashtag in new:
                key = hashtag_key(hashtag)
                self._stems.update(key[:end] for end in range(1, _STEM + 1))
                self._longest = min(_LONGEST, max(self._longest, _LONGEST_UNKNOWN, len(words(hashtag))))
            self._seen += len(new)


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
        known = {text: (hashtag_key(text), not is_unspaced(text) and is_telling(text)) for text in set(self._texts)}
        self.keys = [known[text][0] for text in self._texts]
        self.ends = [known[text][1] for text in self._texts]
        self.begins = [
            ends and end - start > 1 and (not start or post[start - 1] != "@")
            for ends, (start, end) in zip(self.ends, self._spans, strict=True)
        ]
        gaps = (_GAP.fullmatch(post, a[1], b[0]) is not None for a, b in pairwise(self._spans))
        self.follows = [gap and not is_unspaced(text) for gap, text in zip([False, *gaps], self._texts, strict=False)]
        self._last_letter = next((at for at in range(len(post) - 1, -1, -1) if post[at].isalnum()), -1)

    def is_latin(self, row: int) -> bool:
        """Whether a word is a Latin letter alone."""
        return _LATIN_LETTER.fullmatch(self._texts[row]) is not None

    def phrase(self, first: int, last: int) -> str | None:
        """The hashtag that some words would be; None where it would be a number."""
        pieces = self._texts[first : last + 1]
        return None if "".join(pieces).isdigit() else normalise_hashtag(" ".join(pieces))

    def mention(self, first: int, last: int) -> Mention:
        """Where and how some words stand in the post."""
        pieces = self._texts[first : last + 1]
        return Mention(
            position=self._spans[first][0] / self._length,
            words=len(pieces),
            capitalised=sum(piece[0].isupper() for piece in pieces) / len(pieces),
            capitals=sum(piece.isupper() and len(piece) > 1 for piece in pieces) / len(pieces),
            ends=self._spans[last][1] > self._last_letter,
        )
