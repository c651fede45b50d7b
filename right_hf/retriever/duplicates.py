"""Near duplicates: posts so alike that a training post must not be shown the other's hashtags."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

from right_hf.analysis import Analyser
from right_hf.posts import Post
from right_hf.retriever.base import Hit, Retriever

#: Jaccard overlap of terms from which two posts count as near duplicates.
NEAR_DUPLICATE_OVERLAP = 0.7


def jaccard(a: Collection[Hashable], b: Collection[Hashable]) -> float:
    """|a ∩ b| / |a ∪ b| of two collections of terms; 0 where both are empty."""
    first, second = set(a), set(b)
    union = len(first | second)
    return len(first & second) / union if union else 0.0


def search_as_unseen(
    retriever: Retriever, posts: Sequence[Post], k: int, analyse: Analyser, overlap: float = NEAR_DUPLICATE_OVERLAP
) -> list[list[Hit]]:
    """Searches for posts of the corpus itself as if each were not in it: without itself and its near duplicates.

    Without this a generator trained on the hits learns to copy the answer (paper, section 3.1: the training posts are
    the corpus).

    Returns:
        For each post up to `k` hits, ordered by (-score, id).
    """
    results: list[list[Hit]] = [[] for _ in posts]
    pending, depth = list(range(len(posts))), 3 * k
    while pending:
        found = retriever.search([posts[i].text for i in pending], depth, exclude=[(posts[i].id,) for i in pending])
        crowded: list[int] = []
        for i, hits in zip(pending, found, strict=True):
            terms = set(analyse(posts[i].text))
            results[i] = [hit for hit in hits if jaccard(terms, analyse(hit.post.text)) < overlap][:k]
            if len(results[i]) < k and len(hits) == depth:
                crowded.append(i)  # so many near duplicates that a deeper search is due
        pending, depth = crowded, 4 * depth
    return results
