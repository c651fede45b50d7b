"""Fusion: one pool of written and retrieved hashtags, each with a score in [0, 1], its source and its evidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from right_hf.generator import Generation
from right_hf.posts import letters_and_digits
from right_hf.retriever import Hit
from right_hf.selector import Candidate

Source = Literal["retrieved", "generated", "both"]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended hashtag.

    Attributes:
        hashtag: The hashtag, normalised.
        score: How likely it is one the author would use, in [0, 1].
        source: Whether it was retrieved, generated or both.
        evidence: Ids of the retrieved posts that carry it, most similar first.
    """

    hashtag: str
    score: float
    source: Source
    evidence: list[str]


class Trace(NamedTuple):
    """What each stage made of one post.

    Attributes:
        post: The cleaned post.
        hits: The retrieved posts, most similar first.
        candidates: Their hashtags, ranked by the selector.
        generation: What the generator wrote, and how likely it finds the best candidates.
    """

    post: str
    hits: list[Hit]
    candidates: list[Candidate]
    generation: Generation


class Features(NamedTuple):
    """What is known of one hashtag of the pool.

    Attributes:
        log_likelihood: The generator's mean log-probability per token, at most 0; 0 for all where it tells none, which
            changes no order.
        written: 1 / rank in the generator's own answer, 0 if it is not in it.
        ranking: The selector's ranking score, 0 if it was not retrieved.
        retrieved: 1 if it was retrieved, else 0.
        in_post: 1 if its letters and digits stand in the post, whatever spaces and signs are between them, else 0.
    """

    log_likelihood: float
    written: float
    ranking: float
    retrieved: float
    in_post: float


@dataclass(frozen=True)
class FusionWeights:
    """Weights of the features, fitted on validation posts (see [`right_hf.training.calibration`])."""

    intercept: float
    log_likelihood: float
    written: float
    ranking: float
    retrieved: float
    in_post: float


def fused_score(features: Features, weights: FusionWeights) -> float:
    """1 / (1 + exp(-(intercept + weights . features))): a calibrated probability."""
    logit = weights.intercept + sum(
        feature * getattr(weights, name) for name, feature in zip(features._fields, features, strict=True)
    )
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


def pool_features(trace: Trace) -> dict[str, Features]:
    """The features of every hashtag of one post that the generator wrote or scored.

    Where it gives no likelihoods, these are the hashtags that it wrote and all that were retrieved; its ranks then
    speak for it, and weights must have been fitted with that generator for scores to be calibrated.
    """
    log_likelihoods = trace.generation.log_likelihoods
    retrieved = {candidate.hashtag: candidate for candidate in trace.candidates}
    ranks = {hashtag: rank for rank, hashtag in enumerate(trace.generation.hashtags, start=1)}
    text = letters_and_digits(trace.post)
    return {
        hashtag: Features(
            log_likelihood=log_likelihoods.get(hashtag, 0.0),
            written=1 / ranks[hashtag] if hashtag in ranks else 0.0,
            ranking=retrieved[hashtag].score if hashtag in retrieved else 0.0,
            retrieved=float(hashtag in retrieved),
            in_post=float(letters_and_digits(hashtag) in text),
        )
        for hashtag in dict.fromkeys([*ranks, *(log_likelihoods or retrieved)])
    }


def fuse(trace: Trace, weights: FusionWeights | None) -> list[Recommendation]:
    """Makes the recommendations for one post, best first.

    Args:
        trace: What the stages made of it.
        weights: Weights of the fusion: the whole pool is ordered by (-score, hashtag). None gives the paper's answer:
            the written hashtags alone, in the generator's order, scored by its probability per token, or by 1 / rank
            where it gives no likelihoods.
    """
    generation = trace.generation
    evidence = {candidate.hashtag: list(candidate.evidence) for candidate in trace.candidates}
    written = set(generation.hashtags)

    def recommend(hashtag: str, score: float) -> Recommendation:
        source: Source = "generated"
        if hashtag in evidence:
            source = "both" if hashtag in written else "retrieved"
        # Rounded, so that the last bits of a batched matrix product change neither score nor order.
        return Recommendation(hashtag, round(score, 4), source, evidence.get(hashtag, []))

    if weights is None:
        known = {tag: math.exp(value) for tag, value in generation.log_likelihoods.items()}
        return [recommend(tag, known.get(tag, 1 / rank)) for rank, tag in enumerate(generation.hashtags, start=1)]
    fused = [recommend(hashtag, fused_score(found, weights)) for hashtag, found in pool_features(trace).items()]
    return sorted(fused, key=lambda recommendation: (-recommendation.score, recommendation.hashtag))
