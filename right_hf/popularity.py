"""How popular hashtags are at a given time: counts that fade, and hashtags that many accounts have just begun to use.

Time is cut into windows of equal length, and for each window and hashtag the posts and their authors are counted in
whole numbers. So posts may come and go in any order, and what is left equals a count made anew. Posts that tell no
time do not count, nor, before their window has come, posts dated in the future.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

from right_hf.corpus import Corpus
from right_hf.posts import Post
from right_hf.retriever.base import Retriever, keep_in_step
from right_hf.times import DAY, HOUR, seconds

#: Histories whose windows are kept of a corpus that is read from.
_WINDOWS = 4
_LETTERS = re.compile(r"[^\W\d_]+")


def decay(age: float, half_life: float) -> float:
    """2^(-age / half-life): what a post of this age counts; age and half-life in the same unit."""
    return float(2.0 ** (-age / half_life))


def rate_change(recent: float, recent_exposure: float, past: float, past_exposure: float) -> float:
    """The signed root of the likelihood ratio that two Poisson counts have different rates, about a standard normal.

    G = 2 [r ln(r / ((r + p) q)) + p ln(p / ((r + p) (1 - q)))], where q is the share of the recent exposure in both:
    the conditional test of two rates (Przyborowski and Wilenski, 1940) as a likelihood ratio (Wilks, 1938).

    Returns:
        sqrt(G), negative where the recent rate is the lower one; 0 where one of the exposures is 0.
    """
    if not (recent_exposure > 0 and past_exposure > 0):
        return 0.0
    share = recent_exposure / (recent_exposure + past_exposure)
    total = recent + past
    deviance = sum(
        count * math.log(count / (total * expected))
        for count, expected in ((recent, share), (past, 1 - share))
        if count
    )
    sign = 1 if recent * past_exposure >= past * recent_exposure else -1
    return sign * math.sqrt(max(0.0, 2 * deviance))


def author_of(post: Post) -> Hashable:
    """Who counts as the author: `Post.author` or, where it is not known, whoever writes these words.

    Without authors, posts of the same words (whatever their order, case, digits and signs) count as one author's. That
    stops copies, not an account that takes the trouble to word each post differently: only authors can.
    """
    return post.author if post.author is not None else hash(frozenset(_LETTERS.findall(post.text.lower())))


class RisingHashtag(NamedTuple):
    """A hashtag that more accounts use than used to.

    Attributes:
        hashtag: The hashtag.
        score: How sure the rise is, in standard deviations (see [`rate_change`]).
        authors: How many accounts used it in the present and the last window.
    """

    hashtag: str
    score: float
    authors: int


class _Count:
    """Posts, and posts of each author."""

    __slots__ = ("authors", "posts")

    def __init__(self) -> None:
        self.posts = 0
        self.authors: dict[Hashable, int] = {}

    def change(self, author: Hashable, sign: int) -> None:
        self.posts += sign
        self.authors[author] = self.authors.get(author, 0) + sign
        if not self.authors[author]:
            del self.authors[author]


class _Window:
    """The posts of one window: all, and those with each hashtag."""

    __slots__ = ("all", "hashtags")

    def __init__(self) -> None:
        self.all = _Count()
        self.hashtags: dict[str, _Count] = {}

    def change(self, post: Post, sign: int) -> None:
        author = author_of(post)
        self.all.change(author, sign)
        for hashtag in set(post.hashtags):
            count = self.hashtags.setdefault(hashtag, _Count())
            count.change(author, sign)
            if not count.posts:
                del self.hashtags[hashtag]


class HashtagPopularity:
    """Counts hashtags over time; a change takes the same time however many posts were counted.

    [`HashtagPopularity.follow`] keeps it in step with a corpus. One thread may change it while others read.

    Args:
        half_life: Seconds after which a post counts half.
        window: Length of a window in seconds; ages are whole windows.
        history: How many windows are kept, counted back from the latest; older posts do not count.
        least_authors: A hashtag that fewer accounts have just used is not rising.
    """

    def __init__(
        self, half_life: float = 7 * DAY, window: float = DAY, history: int = 56, least_authors: int = 3
    ) -> None:
        if not (half_life > 0 and window > 0 and history >= 3 and least_authors >= 1):
            raise ValueError(
                "half_life and window must be positive, history at least 3 and least_authors at least 1, got "
                f"{half_life}, {window}, {history} and {least_authors}."
            )
        self.half_life = half_life
        self.window = window
        self.history = history
        self.least_authors = least_authors
        self._windows: dict[int, _Window] = {}
        self._forgotten = -math.inf  # the latest window that was freed
        self._retriever: Retriever | None = None  # whose corpus windows are read from when they are first asked for

    def follow(self, retriever: Retriever) -> None:
        """Keeps in step with a retriever's corpus.

        Of a corpus whose posts are kept by their time only the windows that are asked for are read.
        """
        keep_in_step(retriever, self.change, lambda corpus: self._begin(retriever, corpus))

    def _begin(self, retriever: Retriever, corpus: Corpus) -> None:
        self._windows = {}
        if corpus.between(0.0, 0.0) is None:
            self.change((), corpus)
        else:
            self._retriever = retriever

    def change(self, removed: Iterable[Post], added: Iterable[Post]) -> None:
        """Counts posts that came, and no longer counts posts that went (each must have been counted before)."""
        for posts, sign in ((removed, -1), (added, 1)):
            for post in posts:
                time = seconds(post.created_at)
                number = None if time is None else math.floor(time / self.window)
                if number is None or number <= self._forgotten:
                    continue
                if self._retriever is not None and number not in self._windows:
                    continue  # it is read with the post when it is asked for
                window = self._windows.setdefault(number, _Window())
                window.change(post, sign)
                if self._retriever is None and not window.all.posts:
                    del self._windows[number]

    def _read(self, numbers: Iterable[int]) -> None:
        """Reads those of some windows that were not read yet."""
        retriever, wanted = self._retriever, set(numbers)
        if retriever is None or not (missing := sorted(wanted - self._windows.keys())):
            return
        with retriever.steady():  # so that no change is counted twice or not at all
            windows = {number: _Window() for number in missing}
            first, last = missing[0], missing[-1] + 1
            for post in retriever.corpus.between(first * self.window, last * self.window) or ():
                number = math.floor((seconds(post.created_at) or 0.0) / self.window)
                if number in windows:
                    windows[number].change(post, 1)
            others = [number for number in self._windows if number not in wanted]  # those read first come first
            for number in others[: max(0, len(self._windows) - _WINDOWS * self.history)]:
                del self._windows[number]
            self._windows |= windows

    def forget(self, now: float) -> None:
        """Frees the windows that have left the history at a time (seconds since 1970); to be called now and then."""
        self._forgotten = max(self._forgotten, math.floor(now / self.window) - self.history)
        for number in [number for number in self._windows if number <= self._forgotten]:
            del self._windows[number]

    def _history(self, now: float) -> list[tuple[int, _Window]]:
        """The windows of the history at a time, each with its age in windows."""
        present = math.floor(now / self.window)
        self._read(range(present - self.history + 1, present + 1))
        windows = ((age, self._windows.get(present - age)) for age in range(self.history))
        return [(age, window) for age, window in windows if window is not None]

    def popularity(self, hashtag: str, now: float) -> float:
        """How many accounts use a hashtag at a time (seconds since 1970), by the age of their use: sums of decay(age).

        An account counts once a window, however often it posts.
        """
        half_life = self.half_life / self.window
        uses = ((age, window.hashtags.get(hashtag)) for age, window in self._history(now))
        return math.fsum(len(use.authors) * decay(age, half_life) for age, use in uses if use is not None)

    def popularities(self, now: float) -> dict[str, float]:
        """The [`popularity`] of every hashtag used in the history; its time grows with the uses there."""
        half_life = self.half_life / self.window
        uses: dict[str, list[float]] = {}
        for age, window in self._history(now):
            weight = decay(age, half_life)
            for hashtag, use in list(window.hashtags.items()):
                uses.setdefault(hashtag, []).append(len(use.authors) * weight)
        return {hashtag: math.fsum(counts) for hashtag, counts in uses.items()}

    def rise(self, hashtag: str, now: float) -> RisingHashtag:
        """How surely a greater share of the accounts uses a hashtag now than before.

        Counted are accounts a window, with the hashtag and in all, so an account moves it as much by one post as by a
        thousand. The present and the last window are compared with the history before them. The score is 0 where fewer
        than `least_authors` accounts used the hashtag in the two, where there is no history, and at least 0 always.
        """
        users, active = [0, 0], [0, 0]  # recent, past
        authors: set[Hashable] = set()
        for age, window in self._history(now):
            active[age >= 2] += len(window.all.authors)
            if use := window.hashtags.get(hashtag):
                users[age >= 2] += len(use.authors)
                if age < 2:
                    authors.update(list(use.authors))
        change = rate_change(users[0], active[0], users[1], active[1]) if len(authors) >= self.least_authors else 0.0
        return RisingHashtag(hashtag, max(0.0, change), len(authors))

    def rising(self, now: float, count: int = 10) -> list[RisingHashtag]:
        """The hashtags that rise most surely at a time, best first; none whose score is 0."""
        recent = [window for age, window in self._history(now) if age < 2]
        used = {hashtag for window in recent for hashtag in list(window.hashtags)}
        found = [rise for hashtag in used if (rise := self.rise(hashtag, now)).score > 0]
        return sorted(found, key=lambda rise: (-rise.score, rise.hashtag))[:count]


class Freshness:
    """Which hashtags are in use at a moment, whatever a post is about: conferences, chats and news come in bursts.

    Each use counts by its age, with a half-life of hours and one of days, which were chosen on validation posts of
    English tweets.
    """

    def __init__(self) -> None:
        self._hours = HashtagPopularity(half_life=3 * HOUR, window=HOUR / 2, history=48)
        self._days = HashtagPopularity(half_life=2 * DAY, window=DAY / 4, history=56)

    def follow(self, retriever: Retriever) -> None:
        """Keeps in step with a retriever's corpus, see [`HashtagPopularity.follow`]."""
        for counts in (self._hours, self._days):
            counts.follow(retriever)

    def change(self, removed: Iterable[Post], added: Iterable[Post]) -> None:
        """Counts posts that came, and no longer counts posts that went."""
        removed, added = list(removed), list(added)
        for counts in (self._hours, self._days):
            counts.change(removed, added)

    def in_hours(self, now: float) -> dict[str, float]:
        """The hashtags used in the day before a time (seconds since 1970), each use by its age in hours."""
        return self._hours.popularities(now)

    def in_days(self, hashtag: str, now: float) -> float:
        """The uses of a hashtag in the two weeks before a time, each by its age in days."""
        return self._days.popularity(hashtag, now)


def most_popular(counts: Mapping[str, float], number: int) -> list[str]:
    """The hashtags with the highest counts, by (-count, hashtag)."""
    return sorted(counts, key=lambda hashtag: (-counts[hashtag], hashtag))[:number]
