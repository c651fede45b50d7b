"""From what the stages made of a post to one list of hashtags, each with a score, its source and its evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping

from right_hf.ranker.records import NO_GENERATION, Recommendation, Source, Trace


def fuse(trace: Trace, scores: Mapping[str, float] | None = None) -> list[Recommendation]:
    """Makes the recommendations for one post, best first.

    Args:
        trace: What the stages made of it.
        scores: What a ranker says of its hashtags, which are ordered by (-score, hashtag). None gives the paper's
            answer: the written hashtags alone, in the generator's order, scored by its probability per token, or by
            1 / rank where it gives no likelihoods. Where there is no generator either, these are the candidates in the
            selector's order.
    """
    evidence, written = _evidence(trace), set(trace.generation.hashtags)

    def recommend(hashtag: str, score: float) -> Recommendation:
        # Rounded, so that the last bits of a batched matrix product change neither score nor order.
        return Recommendation(hashtag, round(score, 4), source(hashtag), evidence.get(hashtag, []))

    def source(hashtag: str) -> Source:
        if hashtag in written:
            return "both" if hashtag in evidence else "generated"
        if trace.pool is not None and hashtag not in evidence:
            if hashtag in trace.pool.mentions:
                return "post"
            if hashtag in trace.pool.popular:
                return "popular"
        return "retrieved"

    if scores is None:
        known = {tag: math.exp(value) for tag, value in trace.generation.log_likelihoods.items()}
        answer = trace.generation.hashtags
        if trace.generation is NO_GENERATION:
            answer = [candidate.hashtag for candidate in trace.candidates]
        return [recommend(tag, known.get(tag, 1 / rank)) for rank, tag in enumerate(answer, start=1)]
    fused = [recommend(hashtag, score) for hashtag, score in scores.items()]
    return sorted(fused, key=lambda recommendation: (-recommendation.score, recommendation.hashtag))


def _evidence(trace: Trace) -> dict[str, list[str]]:
    """Ids of the retrieved posts that carry each hashtag, most similar first."""
    evidence = {candidate.hashtag: list(candidate.evidence) for candidate in trace.candidates}
    if trace.pool is not None:
        for hit in (hit for hits in trace.pool.hits.values() for hit in hits):
            for hashtag in hit.post.hashtags:
                if hit.post.id not in (ids := evidence.setdefault(hashtag, [])):
                    ids.append(hit.post.id)
    return evidence
