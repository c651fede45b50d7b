"""What the linear ranker knows of each hashtag that was written or retrieved."""

from __future__ import annotations

from typing import NamedTuple

from right_hf.ranker.records import Trace
from right_hf.text.hashtags import hashtag_key


class LinearFeatures(NamedTuple):
    """What is known of one hashtag.

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


def linear_features(trace: Trace) -> dict[str, LinearFeatures]:
    """The features of every hashtag of one post that the generator wrote or scored.

    Where it gives no likelihoods, or there is none, these are the hashtags that it wrote and all that were retrieved;
    weights must have been fitted with that generator for scores to be calibrated.
    """
    log_likelihoods = trace.generation.log_likelihoods
    retrieved = {candidate.hashtag: candidate for candidate in trace.candidates}
    ranks = {hashtag: rank for rank, hashtag in enumerate(trace.generation.hashtags, start=1)}
    text = hashtag_key(trace.post)
    return {
        hashtag: LinearFeatures(
            log_likelihood=log_likelihoods.get(hashtag, 0.0),
            written=1 / ranks[hashtag] if hashtag in ranks else 0.0,
            ranking=retrieved[hashtag].score if hashtag in retrieved else 0.0,
            retrieved=float(hashtag in retrieved),
            in_post=float(hashtag_key(hashtag) in text),
        )
        for hashtag in dict.fromkeys([*ranks, *(log_likelihoods or retrieved)])
    }
