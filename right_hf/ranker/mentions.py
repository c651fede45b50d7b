"""What of a post may be a hashtag: about half of those that people use stand in the text as words.

Hashtags of the corpus are found with any number of words. Others, which nobody in the corpus has used yet, can be any
phrase of a few words; Chinese ones are not looked for, since a run of characters has no words to begin and end with.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise

from right_hf.corpus import Corpus
from right_hf.posts import letters_and_digits
from right_hf.ranker.records import Mention

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff"
#: A Chinese character, or a run of other letters and digits with apostrophes inside.
_WORD = re.compile(rf"[{_CHINESE}]|[^\W_{_CHINESE}]+(?:['\u2019][^\W_{_CHINESE}]+)*")
_IS_CHINESE = re.compile(f"[{_CHINESE}]")
#: What may stand between the words of a phrase.
_GAP = re.compile(r"[\s'\u2019&-]*")
#: Words of a post that a hashtag of the corpus may take, and one that is not known.
_LONGEST, _LONGEST_UNKNOWN = 32, 3


def words(text: str) -> list[str]:
    """The words of a text, a Chinese character each counting as one."""
    return _WORD.findall(text)


class MentionFinder:
    """Finds hashtags in posts, whatever spaces, signs and case they are written with there.

    A mention begins and ends with words of the post: `ai` does not stand in "said", `dev ops` stands in "DevOps". The
    corpus may change: hashtags that come are taken up when the next post is read, those that are gone are not known.

    Args:
        is_telling: Says of a word whether an unknown hashtag may begin or end with it (a stop word may not).
    """

    def __init__(self, is_telling: Callable[[str], bool]) -> None:
        self._is_telling = is_telling
        self._hashtags: dict[str, list[str]] = defaultdict(list)  # by letters and digits
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
        matches = list(_WORD.finditer(post))
        last_letter = next((at for at in range(len(post) - 1, -1, -1) if post[at].isalnum()), -1)
        for first in range(len(matches)):
            key = ""
            for last in range(first, min(first + self._longest, len(matches))):
                key += letters_and_digits(matches[last].group())
                known = [tag for tag in self._hashtags.get(key, ()) if corpus.hashtag_count(tag)]
                phrase = matches[first : last + 1]
                for hashtag in known or self._unknown(post, phrase):
                    found.setdefault(hashtag, _mention(len(post), last_letter, phrase))
        return found

    def _unknown(self, post: str, phrase: Sequence[re.Match[str]]) -> list[str]:
        """The hashtag that a phrase would be; none where it does not look like one."""
        pieces = [match.group() for match in phrase]
        gaps = (post[a.end() : b.start()] for a, b in pairwise(phrase))
        if (
            len(pieces) > _LONGEST_UNKNOWN
            or len(pieces[0]) < 2
            or (phrase[0].start() and post[phrase[0].start() - 1] == "@")
        ):
            return []
        if any(_IS_CHINESE.match(piece) for piece in pieces) or not all(map(_GAP.fullmatch, gaps)):
            return []
        if "".join(pieces).isdigit() or not (self._is_telling(pieces[0]) and self._is_telling(pieces[-1])):
            return []
        return [" ".join(pieces).lower()]

    def _take_up(self, corpus: Corpus) -> None:
        """Takes up the hashtags that have come since."""
        if not corpus.hashtags_since(self._seen):
            return  # without the lock, so that nobody waits
        with self._growing:
            new = corpus.hashtags_since(self._seen)
            for hashtag in new:
                if key := letters_and_digits(hashtag):
                    self._hashtags[key].append(hashtag)
                    self._longest = min(_LONGEST, max(self._longest, _LONGEST_UNKNOWN, len(words(hashtag))))
            self._seen += len(new)


def _mention(length: int, last_letter: int, phrase: Sequence[re.Match[str]]) -> Mention:
    """Where a phrase stands in a post of this length, whose last letter or digit has this place."""
    pieces = [match.group() for match in phrase]
    return Mention(
        position=phrase[0].start() / length,
        words=len(pieces),
        capitalised=sum(piece[0].isupper() for piece in pieces) / len(pieces),
        capitals=sum(piece.isupper() and len(piece) > 1 for piece in pieces) / len(pieces),
        ends=phrase[-1].end() > last_letter,
    )
