"""Retrieved posts vote for their hashtags, each with its score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from right_hf.retriever.base import Hit


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
