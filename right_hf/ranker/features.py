"""The features of each hashtag of a post's pool: what its sources say of it, as columns of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.analysis import chinese_bigrams
from right_hf.ranker.mentions import words
from right_hf.ranker.records import Clues, Trace
from right_hf.popularity import DAY, seconds
from right_hf.posts import letters_and_digits
from right_hf.retriever import Hit

#: Types of retrievers that have columns of their own.
RETRIEVERS = ("bm25", "dense")
_OF_A_RETRIEVER = ("votes", "early_votes", "share", "reciprocal", "best", "rank", "top")
_VOTES_OF = tuple(f"{name}_{column}" for name in RETRIEVERS for column in _OF_A_RETRIEVER)
#: The columns, grouped by what their names begin with. A column is NaN where its source says nothing.
FEATURES = (
    *_VOTES_OF,  # of each retriever, see `_votes`
    "selector_cosine",  # the selector's similarity between post and hashtag
    "selector_gap",  # the same, less the best of the pool
    "selector_ranking",  # the paper's ranking score s_i among the first hits
    "selector_rank",  # rank by it
    "selector_nearest",  # rank among the nearest hashtags of the whole corpus
    "generator_mean",  # log-likelihood a token
    "generator_total",  # log-likelihood of the whole hashtag
    "generator_gap",  # the same, less the best of the pool
    "generator_rank",  # rank in the written answer
    "recency_days",  # ln(1 + days) between the latest of all hits and the latest that carries it
    "mention_words",  # words of the post that it takes where it stands there whole
    "mention_position",  # where, as a share of the post
    "mention_capitalised",  # share of these words that begin with a capital
    "mention_capitals",  # share of these words that are written in capitals
    "mention_ends",  # 1 if no word comes after it
    "corpus_count",  # ln(1 + posts of the corpus that carry it)
    "string_in_post",  # 1 if its letters and digits stand in the post, even inside of a word
    "string_overlap",  # share of its words (Chinese: pairs of characters) that stand in the post
    "string_rarest",  # inverse document frequency of its rarest word
    "string_commonest",  # and of its commonest
    "string_characters",  # letters and digits
    "string_words",
    "string_digits",  # share of digits among its letters and digits
    "post_characters",  # letters and digits of the post
    "pool_sources",  # how many sources have it
    "popularity_hours",  # ln(1 + uses, each by its age in hours)
    "popularity_days",  # and in days
    "popularity_rank",  # rank among the hashtags that are in use
)
#: Hits whose votes count as early.
_EARLY = 10
#: How little the first ranks differ in `reciprocal`.
_RANK_CONSTANT = 5
_DECIMALS = 4


class FeatureTable(NamedTuple):
    """The pool of one post.

    Attributes:
        hashtags: The hashtags.
        values: (len(hashtags), len(FEATURES)) their features, NaN where a source says nothing.
    """

    hashtags: list[str]
    values: npt.NDArray[np.float32]


def pool_table(trace: Trace) -> FeatureTable:
    """The features of every hashtag in the pool of one post, those that the generator wrote included.

    They depend on the trace alone, so that a hashtag that came to the corpus a moment ago is seen as any other.

    Raises:
        ValueError: The trace has no clues.
    """
    if trace.clues is None:
        raise ValueError("The trace has no clues. Run a model that has a ranker.")
    clues, written = trace.clues, trace.generation.hashtags
    hashtags = list(dict.fromkeys([*clues.pool, *written]))
    columns: dict[str, Mapping[str, float]] = {}
    for name in RETRIEVERS:
        columns |= {f"{name}_{column}": values for column, values in _votes(clues.found.get(name, ())).items()}
    columns["recency_days"] = _recency([hit for hits in clues.found.values() for hit in hits])
    columns |= _of_selector(trace, clues, hashtags)
    columns |= _of_generator(trace, hashtags)
    columns |= _of_strings(trace.post, clues, hashtags)
    columns |= _of_popularity(clues, hashtags)
    sources = ("bm25_votes", "dense_votes", "selector_nearest", "generator_rank", "mention_words")
    columns["pool_sources"] = {tag: float(sum(tag in columns[source] for source in sources)) for tag in hashtags}
    rows = [[columns[name].get(tag, math.nan) for name in FEATURES] for tag in hashtags]
    values = np.asarray(rows, dtype=np.float64).reshape(len(hashtags), len(FEATURES))
    # Rounded, so that the last bits of a batched matrix product cross no threshold.
    return FeatureTable(hashtags, np.round(values, _DECIMALS).astype(np.float32))


def _votes(hits: Sequence[Hit]) -> dict[str, dict[str, float]]:
    """What one retriever's hits say of their hashtags.

    `votes` and `early_votes` count the hits that carry a hashtag, among all and among the first ten; `share` is their
    part of the summed scores; `reciprocal` sums 1 / (5 + rank); `best` is the score of the first that carries it over
    that of the first of all, `rank` its rank. `top`, the first hit's own score, says how much the retriever found.
    """
    found: dict[str, dict[str, float]] = {column: {} for column in _OF_A_RETRIEVER}
    total = math.fsum(hit.score for hit in hits)
    for rank, hit in enumerate(hits, start=1):
        for hashtag in hit.post.hashtags:
            found["best"].setdefault(hashtag, hit.score / hits[0].score)
            found["rank"].setdefault(hashtag, rank)
            found["top"].setdefault(hashtag, hits[0].score)
            gains = {"votes": 1.0, "share": hit.score / total, "reciprocal": 1 / (_RANK_CONSTANT + rank)}
            gains["early_votes"] = float(rank <= _EARLY)
            for column, gain in gains.items():
                found[column][hashtag] = found[column].get(hashtag, 0.0) + gain
    return found


def _recency(hits: Sequence[Hit]) -> dict[str, float]:
    """How long before the latest hit each hashtag was last used among the hits, of those that tell their time."""
    latest: dict[str, float] = {}
    for hit in hits:
        if (time := seconds(hit.post.created_at)) is not None:
            for hashtag in hit.post.hashtags:
                latest[hashtag] = max(time, latest.get(hashtag, time))
    newest = max(latest.values(), default=0.0)
    return {hashtag: math.log1p((newest - time) / DAY) for hashtag, time in latest.items()}


def _of_selector(trace: Trace, clues: Clues, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    cosines = {tag: clues.facts[tag].similarity for tag in hashtags}
    best = max(cosines.values(), default=0.0)
    return {
        "selector_cosine": cosines,
        "selector_gap": {tag: cosine - best for tag, cosine in cosines.items()},
        "selector_ranking": {candidate.hashtag: candidate.score for candidate in trace.candidates},
        "selector_rank": _ranks([candidate.hashtag for candidate in trace.candidates]),
        "selector_nearest": _ranks(clues.nearest),
    }


def _of_generator(trace: Trace, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    generation = trace.generation
    totals = {tag: mean * generation.tokens.get(tag, 1) for tag, mean in generation.log_likelihoods.items()}
    best = max((totals[tag] for tag in hashtags if tag in totals), default=0.0)
    return {
        "generator_mean": generation.log_likelihoods,
        "generator_total": totals,
        "generator_gap": {tag: total - best for tag, total in totals.items()},
        "generator_rank": _ranks(generation.hashtags),
    }


def _of_strings(post: str, clues: Clues, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    text, terms = letters_and_digits(post), _terms(post)
    keys = {tag: letters_and_digits(tag) for tag in hashtags}
    own = {tag: _terms(tag) for tag in hashtags}
    rarities_of = {tag: clues.facts[tag].rarities for tag in hashtags if clues.facts[tag].rarities}
    return {
        "mention_words": {tag: float(mention.words) for tag, mention in clues.mentions.items()},
        "mention_position": {tag: mention.position for tag, mention in clues.mentions.items()},
        "mention_capitalised": {tag: mention.capitalised for tag, mention in clues.mentions.items()},
        "mention_capitals": {tag: mention.capitals for tag, mention in clues.mentions.items()},
        "mention_ends": {tag: float(mention.ends) for tag, mention in clues.mentions.items()},
        "corpus_count": {tag: math.log1p(clues.facts[tag].carriers) for tag in hashtags},
        "string_in_post": {tag: float(key in text) for tag, key in keys.items()},
        "string_overlap": {tag: len(own[tag] & terms) / max(1, len(own[tag])) for tag in hashtags},
        "string_rarest": {tag: max(rarities) for tag, rarities in rarities_of.items()},
        "string_commonest": {tag: min(rarities) for tag, rarities in rarities_of.items()},
        "string_characters": {tag: float(len(key)) for tag, key in keys.items()},
        "string_words": {tag: float(len(words(tag))) for tag in hashtags},
        "string_digits": {tag: sum(map(str.isdigit, key)) / max(1, len(key)) for tag, key in keys.items()},
        "post_characters": dict.fromkeys(hashtags, float(len(text))),
    }


def _of_popularity(clues: Clues, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    known = {tag: popularity for tag in hashtags if (popularity := clues.facts[tag].popularity) is not None}
    return {
        "popularity_hours": {tag: math.log1p(hours) for tag, (hours, _) in known.items()},
        "popularity_days": {tag: math.log1p(days) for tag, (_, days) in known.items()},
        "popularity_rank": _ranks(clues.popular),
    }


def _terms(text: str) -> set[str]:
    """Words, and pairs of Chinese characters."""
    return set(chinese_bigrams(text))


def _ranks(hashtags: Sequence[str]) -> dict[str, float]:
    return {hashtag: float(rank) for rank, hashtag in enumerate(hashtags, start=1)}
