"""Freshness: which hashtags of a corpus are in use at a moment, whatever a post is about.

Conferences, chats and news come in bursts: what others have used in the last hours is likely, new hashtags included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from right_hf.popularity import DAY, HashtagPopularity
from right_hf.posts import Post

_HOUR = 3_600.0


class Freshness:
    """Counts the uses of hashtags, each by its age, with a half-life of hours and one of days.

    Give [`Freshness.change`] to [`BM25Retriever.follow`] to keep it in step with a corpus. Both half-lives were chosen
    on validation posts of English tweets.
    """

    def __init__(self) -> None:
        self._hours = HashtagPopularity(half_life=3 * _HOUR, window=_HOUR / 2, history=48)
        self._days = HashtagPopularity(half_life=2 * DAY, window=DAY / 4, history=56)

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
