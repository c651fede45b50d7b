"""What the hits of retrievers say of the hashtags in the pools of a batch, as columns of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from right_hf.ranker.rows import Column, Rows
from right_hf.retriever.base import Hit
from right_hf.times import DAY, seconds

#: What is said of a hashtag by one retriever; see [`votes`].
VOTES = ("votes", "early_votes", "share", "reciprocal", "best", "rank", "top")
#: Hits whose votes count as early.
_EARLY = 10
#: How little the first ranks differ in `reciprocal`.
_RANK_CONSTANT = 5


def votes(rows: Rows, found: Iterable[Sequence[Hit]]) -> dict[str, Column]:
    """What one retriever's hits say of their hashtags.

    `votes` and `early_votes` count the hits that carry a hashtag, among all and among the first ten; `share` is their
    part of the summed scores; `reciprocal` sums 1 / (5 + rank); `best` is the score of the first that carries it over
    that of the first of all, `rank` its rank. `top`, the first hit's own score, says how much the retriever found.

    Args:
        rows: The hashtags.
        found: The hits of each post, most similar first.
    """
    at: list[int] = []  # a row for each hit that carries its hashtag, in the order of the hits
    said: list[tuple[float, float, float, float]] = []  # the hit's rank and score, the first one's, the sum of all
    for place, hits in zip(rows.places, found, strict=True):
        total = math.fsum([hit.score for hit in hits])
        for rank, hit in enumerate(hits, start=1):
            for hashtag in hit.post.hashtags:
                if (row := place.get(hashtag)) is not None:
                    at.append(row)
                    said.append((rank, hit.score, hits[0].score, total))
    if not at:
        return dict.fromkeys(VOTES, rows.nothing())
    ranks, scores, tops, totals = np.asarray(said, dtype=np.float64).reshape(len(said), 4).T
    number = np.bincount(at, minlength=rows.count).astype(np.float64)
    number[number == 0] = np.nan

    def summed(gains: Column) -> Column:
        return np.where(np.isnan(number), np.nan, np.bincount(at, gains, minlength=rows.count))

    def first(values: Column) -> Column:
        return rows.column(at[::-1], values[::-1])  # of several values for a row the last one stays

    return {
        "votes": number,
        "early_votes": summed((ranks <= _EARLY).astype(np.float64)),
        "share": summed(scores / totals),
        "reciprocal": summed(1 / (_RANK_CONSTANT + ranks)),
        "best": first(scores / tops),
        "rank": first(ranks),
        "top": first(tops),
    }


def recency(rows: Rows, found: Iterable[Sequence[Hit]]) -> Column:
    """How long before the latest hit each hashtag was last used among the hits, of those that tell their time.

    Args:
        rows: The hashtags.
        found: All hits of each post.

    Returns:
        ln(1 + days).
    """
    latest, newest = np.full(rows.count, -np.inf), [0.0] * len(rows.places)
    for post, (place, hits) in enumerate(zip(rows.places, found, strict=True)):
        times = [(time, hit.post.hashtags) for hit in hits if (time := seconds(hit.post.created_at)) is not None]
        newest[post] = max((time for time, hashtags in times if hashtags), default=0.0)
        for time, hashtags in times:
            for hashtag in hashtags:
                if (row := place.get(hashtag)) is not None and time > latest[row]:
                    latest[row] = time
    with np.errstate(invalid="ignore"):
        return np.log1p((rows.each(newest) - np.where(np.isinf(latest), np.nan, latest)) / DAY)
