"""Hashtags that begin with what somebody has typed, those in most use first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from sortedcontainers import SortedDict, SortedList

from right_hf.corpus import Corpus
from right_hf.forks import Lock
from right_hf.posts import Post
from right_hf.preferences import Preferences
from right_hf.retriever.base import Retriever, keep_in_step
from right_hf.spelling.platforms import sign
from right_hf.spelling.style import show
from right_hf.text.hashtags import hashtag_key

#: Hashtags with a prefix up to which they are put in order when asked for. Of a prefix that more have, the first ones
#: are soon met among all hashtags in the order of their use.
_FEW = 1_000
#: Greater than whatever follows in a key: no letter, mark or digit.
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Completed:
    """A hashtag that begins as asked.

    Attributes:
        hashtag: The hashtag in the style asked for, without hash sign.
        posted: As it is posted, with its hash sign.
        count: Posts that carry it.
    """

    hashtag: str
    posted: str
    count: int


class HashtagCompletion:
    """Completes hashtags of a retriever's corpus, and keeps in step with it where it can change.

    Args:
        retriever: Has the corpus.
    """

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._counts = PrefixCounts()
        keep_in_step(retriever, self._counts.change, self._counts.begin)

    def complete(
        self, prefix: str, limit: int = 10, style: str = "common", platform: str | None = None
    ) -> list[Completed]:
        """Hashtags that begin with a prefix, in most use first; none that may not be suggested.

        Raises:
            ValueError: The style or the platform is unknown.
        """
        shown = as_shown(self._retriever.corpus, style, platform)
        found = self._counts.most_used(prefix, limit, lambda hashtag: shown(hashtag) is not None)
        return [Completed(*pair, count=count) for hashtag, count in found if (pair := shown(hashtag))]


def as_shown(
    corpus: Corpus, style: str = "common", platform: str | None = None
) -> Callable[[str], tuple[str, str] | None]:
    """What tells of a hashtag how it is shown and how it is posted; None where it may not be suggested.

    Raises:
        ValueError: The style or the platform is unknown.
    """
    wanted = Preferences(style=style, platform=platform).wants(corpus)

    def find(hashtag: str) -> tuple[str, str] | None:
        if not wanted(hashtag) or (name := show(hashtag, style, corpus.spellings, platform)) is None:
            return None
        written = show(hashtag, "common", corpus.spellings, platform) if style == "words" else name
        posted = sign(written or name, platform)
        return None if posted is None else (name, posted)

    return find


class PrefixCounts:
    """Counts the posts that carry each hashtag, and finds hashtags by how they begin.

    They are compared by [`right_hf.text.hashtags.hashtag_key`]: `#DevO`, `dev o` and `devo` begin `dev ops`.

    Give [`PrefixCounts.change`] and [`PrefixCounts.begin`] to [`Retriever.follow`] to keep it in step with a corpus.
    One thread may change it while others read.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._hashtags: dict[str, str] = {}  # by key: a corpus has one form of each
        self._counts: SortedDict = SortedDict()  # key: posts
        self._by_use = SortedList()  # (-posts, key)

    def __len__(self) -> int:
        return len(self._counts)

    def begin(self, corpus: Corpus) -> None:
        """Counts the posts of a corpus, and no others any more."""
        counts = [(hashtag_key(hashtag), hashtag, count) for hashtag, count in corpus.hashtag_counts().items()]
        with self._lock:  # all at once, which is many times as fast
            self._counts = SortedDict((key, count) for key, _, count in counts)
            self._by_use = SortedList((-count, key) for key, _, count in counts)
            self._hashtags = {key: hashtag for key, hashtag, _ in counts}

    def change(self, removed: Iterable[Post], added: Iterable[Post]) -> None:
        """Counts posts that came, and no longer counts posts that went (each must have been counted before)."""
        changes = Counter(hashtag for post in added for hashtag in post.hashtags)
        changes.subtract(hashtag for post in removed for hashtag in post.hashtags)
        keyed = [(hashtag_key(hashtag), hashtag, change) for hashtag, change in changes.items() if change]
        with self._lock:
            for key, hashtag, change in keyed:
                self._count(key, hashtag, change)

    def _count(self, key: str, hashtag: str, change: int) -> None:
        before = self._counts.get(key, 0)
        if before:
            self._by_use.remove((-before, key))
        if after := before + change:
            self._counts[key] = after
            self._by_use.add((-after, key))
            self._hashtags[key] = hashtag
        else:
            del self._counts[key], self._hashtags[key]

    def most_used(
        self, prefix: str, limit: int, is_wanted: Callable[[str], bool] = lambda hashtag: True
    ) -> list[tuple[str, int]]:
        """Up to `limit` hashtags that begin with a prefix, in most use first, each with the posts that carry it.

        Args:
            prefix: In any spelling, with or without hash sign; "" for all hashtags.
            limit: At most so many.
            is_wanted: Says of a hashtag whether it may be among them.
        """
        start = hashtag_key(prefix)
        with self._lock:
            keys = list(islice(self._counts.irange(start, start + _LAST), _FEW + 1))
            if len(keys) <= _FEW:
                ordered = iter(sorted((-self._counts[key], key) for key in keys))
            else:
                ordered = (pair for pair in self._by_use if pair[1].startswith(start))
            found = ((self._hashtags[key], -negative) for negative, key in ordered)
            return list(islice((pair for pair in found if is_wanted(pair[0])), limit))
