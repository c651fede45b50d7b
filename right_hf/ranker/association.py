"""Association: what people use together with the hashtags that a post makes one think of.

A post about sushi brings `sushi` up, which stands in it; `foodie` is what those write beside who write `sushi`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from right_hf.corpus import Corpus
from right_hf.memo import CorpusMemo

#: Uses of a hashtag, the latest, in which it is looked what stands beside it.
_USES = 200
#: Hashtags that are looked at beside one, and that are told of beside several.
_MOST = 50
#: Uses that are added to those of a hashtag, so that what stood beside it once in one use says little.
_PRIOR = 3.0


class Association(NamedTuple):
    """How a hashtag goes with those that a post makes one think of, by the one of them with which it goes best.

    Attributes:
        share: c(s, h) / (c(s) + 3): the share of the uses of s beside which h stands.
        lift: The logarithm of this share over that of all posts, ln(share x N / c(h)); pointwise mutual information
            (Church and Hanks, 1990), smoothed.
        seeds: Beside how many of them it stands.
    """

    share: float
    lift: float
    seeds: int


class Associations:
    """What stands beside hashtags in a corpus; of a corpus that has changed it is counted anew."""

    def __init__(self) -> None:
        self._beside = CorpusMemo[Mapping[str, float]]()

    def of(self, seeds: Iterable[str], corpus: Corpus) -> dict[str, Association]:
        """How other hashtags go with the seeds: those with the highest sum of shares, the strongest first.

        Args:
            seeds: Hashtags; what the corpus does not hold has nothing beside it.
            corpus: The corpus at this moment.
        """
        shares: dict[str, list[float]] = {}
        for seed in seeds:
            for hashtag, share in self._beside.of(corpus, seed, lambda one: _beside(corpus, one)).items():
                shares.setdefault(hashtag, []).append(share)
        strongest = nsmallest(_MOST, shares.items(), key=lambda item: (-sum(item[1]), item[0]))
        return {tag: _association(ones, corpus.hashtag_count(tag) / len(corpus)) for tag, ones in strongest}


def _beside(corpus: Corpus, seed: str) -> Mapping[str, float]:
    """The share of the uses of a hashtag beside which each other stands."""
    uses, counts = corpus.beside(seed, _USES)
    most = nsmallest(_MOST, counts.items(), key=lambda item: (-item[1], item[0]))
    return {hashtag: count / (uses + _PRIOR) for hashtag, count in most}


def _association(shares: Sequence[float], usual: float) -> Association:
    share = max(shares)
    return Association(share, math.log(share / usual), len(shares))
