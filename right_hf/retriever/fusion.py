"""From hits to what they say together: votes for hashtags, and one ranking of several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from right_hf.retriever.base import Hit

#: The constant of the source, which its authors found to matter little.
RANK_CONSTANT = 60
T = TypeVar("T", bound=Hashable)


def votes(hits: Sequence[Hit]) -> dict[str, float]:
    """The summed scores of the hits that carry each hashtag."""
    sums: dict[str, float] = defaultdict(float)
    for hit in hits:
        for hashtag in hit.post.hashtags:
            sums[hashtag] += hit.score
    return dict(sums)


def summed_votes(hits: Sequence[Hit]) -> list[str]:
    """Hashtags of the hits by their summed retrieval scores (the retrieval baseline), ties by hashtag."""
    sums = votes(hits)
    return sorted(sums, key=lambda hashtag: (-sums[hashtag], hashtag))


def reciprocal_ranks(rankings: Iterable[Sequence[T]], constant: int = RANK_CONSTANT) -> dict[T, float]:
    """Fuses rankings: score(x) = sum over the rankings that hold x of 1 / (constant + rank of x).

    Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009, Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods, SIGIR). Only ranks count, so scores of any scales can be fused.

    Args:
        rankings: Each without repeats, best first.
        constant: How little the first ranks differ, at least 0.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (constant + rank)
    return scores


def fused_hits(found: Mapping[str, Sequence[Sequence[Hit]]], k: int) -> list[list[Hit]]:
    """Of what [`Retriever.search_parts`] found the best `k` hits of each query.

    Those of several retrievers are scored by their ranks and ordered by (-score, id); those of one stay as they are.
    """
    if len(found) == 1:
        return [list(hits[:k]) for lists in found.values() for hits in lists]
    return [_fused(lists)[:k] for lists in zip(*found.values(), strict=True)]


def _fused(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    posts = {hit.post.id: hit.post for hits in lists for hit in hits}
    scores = reciprocal_ranks([hit.post.id for hit in hits] for hits in lists)
    return [Hit(posts[key], score) for key, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]
