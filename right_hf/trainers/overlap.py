"""How far the hashtags of two posts overlap, and the posts whose hashtags overlap a post's most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from right_hf.posts import Post


def overlap_order(shared: Any, own: Any, others: Any) -> tuple[Any, Any]:
    """By what overlaps are ordered, the higher the better: (recall + F1, precision).

    Of a post's hashtags A and another's B, recall is |A ∩ B| / |A|, precision |A ∩ B| / |B|, F1 their harmonic mean.

    Args:
        shared: Number of hashtags that both posts have, |A ∩ B|.
        own: Number of the post's own hashtags, at least 1.
        others: Number of the other post's, at least 1.
    """
    return shared / own + 2 * shared / (own + others), shared / others


def overlap(post: Collection[str], other: Collection[str]) -> tuple[float, float]:
    """[`overlap_order`] of two posts' hashtags; (0, 0) where one has none."""
    if not post or not other:
        return (0.0, 0.0)
    order: tuple[float, float] = overlap_order(len(set(post) & set(other)), len(set(post)), len(set(other)))
    return order


class OverlapIndex:
    """Finds the posts whose hashtags overlap a given post's most.

    Posts with the same set of hashtags are looked at as one, and an inverted index from hashtags to these sets leads to
    those that share any: 125,000 posts take seconds.
    """

    def __init__(self, posts: Sequence[Post]) -> None:
        self._own = [frozenset(post.hashtags) for post in posts]
        self._members: dict[frozenset[str], list[int]] = defaultdict(list)
        for number, own in enumerate(self._own):
            self._members[own].append(number)
        self._sets = list(self._members)
        self._sizes = np.array([len(hashtags) for hashtags in self._sets], dtype=np.int64)
        self._carriers: dict[str, list[int]] = defaultdict(list)
        for place, hashtags in enumerate(self._sets):
            for hashtag in hashtags:
                self._carriers[hashtag].append(place)

    def best(self, number: int) -> list[int]:
        """The numbers of the other posts whose hashtags overlap those of post `number` most: all that tie, ascending.

        Empty where no other post shares a hashtag.
        """
        own = self._own[number]
        if not own:
            return []
        if same := [other for other in self._members[own] if other != number]:
            return same
        sets, shared = np.unique(np.concatenate([self._carriers[tag] for tag in own]), return_counts=True)
        # Its own set shares most with it, and no other post has that.
        different = (shared < len(own)) | (self._sizes[sets] > len(own))
        sets, shared = sets[different], shared[different]
        if not len(sets):
            return []
        first, second = overlap_order(shared, len(own), self._sizes[sets])
        best = first == first.max()
        best &= second == second[best].max()
        return sorted(member for place in sets[best].tolist() for member in self._members[self._sets[place]])
