"""From what the stages made of a post to one list of hashtags, each with a score, its source and its evidence."""

from __future__ import annotations

import math

from right_hf.ranker.records import Recommendation, Scorer, Source, Trace


def fuse(trace: Trace, scorer: Scorer | None) -> list[Recommendation]:
    """Makes the recommendations for one post, best first.

    Args:
        trace: What the stages made of it.
        scorer: Says how likely each hashtag of the pool is; the pool is ordered by (-score, hashtag). None gives the
            paper's answer: the written hashtags alone, in the generator's order, scored by its probability per token,
            or by 1 / rank where it gives no likelihoods.
    """
    generation = trace.generation
    evidence, written = _evidence(trace), set(generation.hashtags)

    def recommend(hashtag: str, score: float) -> Recommendation:
        # Rounded, so that the last bits of a batched matrix product change neither score nor order.
        return Recommendation(hashtag, round(score, 4), source(hashtag), evidence.get(hashtag, []))

    def source(hashtag: str) -> Source:
        if hashtag in written:
            return "both" if hashtag in evidence else "generated"
        if trace.clues is not None and hashtag not in evidence:
            if hashtag in trace.clues.mentions:
                return "post"
            if hashtag in trace.clues.popular:
                return "popular"
        return "retrieved"

    if scorer is None:
        known = {tag: math.exp(value) for tag, value in generation.log_likelihoods.items()}
        return [recommend(tag, known.get(tag, 1 / rank)) for rank, tag in enumerate(generation.hashtags, start=1)]
    fused = [recommend(hashtag, score) for hashtag, score in scorer.scores(trace).items()]
    return sorted(fused, key=lambda recommendation: (-recommendation.score, recommendation.hashtag))


def _evidence(trace: Trace) -> dict[str, list[str]]:
    """Ids of the retrieved posts that carry each hashtag, most similar first."""
    evidence = {candidate.hashtag: list(candidate.evidence) for candidate in trace.candidates}
    if trace.clues is not None:
        for hit in (hit for hits in trace.clues.found.values() for hit in hits):
            for hashtag in hit.post.hashtags:
                if hit.post.id not in (ids := evidence.setdefault(hashtag, [])):
                    ids.append(hit.post.id)
    return evidence
