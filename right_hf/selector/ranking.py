"""The paper's ranking of retrieved hashtags (section 2.2, inference), as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from right_hf.retriever.base import Hit


class Candidate(NamedTuple):
    """A retrieved hashtag.

    Attributes:
        hashtag: The hashtag.
        score: Its ranking score s_i; without an upper bound when the retriever's scores have none.
        similarity: The selector's similarity between post and hashtag (equation 1), in [-1, 1].
        hit_scores: Scores of the hits that carry it, best first.
        evidence: Ids of the posts that carry it, in the same order.
    """

    hashtag: str
    score: float
    similarity: float
    hit_scores: tuple[float, ...]
    evidence: tuple[str, ...]


def ranking_score(hit_scores: Sequence[float], similarity: float) -> float:
    """s_i = (mean of the hit scores + selector similarity) x (1 + (f_i - 1) / 10), f_i = number of hits."""
    frequency = len(hit_scores)
    return (sum(hit_scores) / frequency + similarity) * (1 + (frequency - 1) / 10)


def relative_scores(hits: Sequence[Hit]) -> list[Hit]:
    """Divides the scores of one query's hits by the best, which brings BM25 onto the scale of a cosine."""
    best = max((hit.score for hit in hits), default=1.0)
    return [Hit(hit.post, hit.score / best) for hit in hits] if best > 0 else list(hits)


def raw_scores(hits: Sequence[Hit]) -> list[Hit]:
    """Leaves the scores as the retriever gives them, as the paper's authors do with BM25."""
    return list(hits)


#: Ways to bring hit scores onto the scale of the selector's cosine, by the name used in configurations.
HIT_SCALES: dict[str, Callable[[Sequence[Hit]], list[Hit]]] = {"raw": raw_scores, "relative": relative_scores}


def rank_candidates(hits: Sequence[Hit], similarity: Mapping[str, float]) -> list[Candidate]:
    """Ranks the hashtags of one query's hits by (-score, hashtag).

    Args:
        hits: The retrieved posts, best first, scores already on the wanted scale.
        similarity: The selector's similarity for each hashtag of the hits.
    """
    carriers: dict[str, list[Hit]] = {}
    for hit in hits:
        for hashtag in hit.post.hashtags:
            carriers.setdefault(hashtag, []).append(hit)
    candidates = [
        Candidate(
            hashtag=hashtag,
            score=ranking_score([hit.score for hit in found], similarity[hashtag]),
            similarity=similarity[hashtag],
            hit_scores=tuple(hit.score for hit in found),
            evidence=tuple(hit.post.id for hit in found),
        )
        for hashtag, found in carriers.items()
    ]
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.hashtag))
