"""The features of each hashtag of a post's pool: what its sources say of it, as columns of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from right_hf.analysis import chinese_bigrams
from right_hf.generator.base import Generation
from right_hf.ranker.records import FeatureTable, Mention, Pool
from right_hf.retriever.base import Hit
from right_hf.selector.ranking import Candidate
from right_hf.text.hashtags import hashtag_key
from right_hf.text.words import words
from right_hf.times import DAY, seconds

#: Retrievers whose columns every table has; those of another one come behind the rest.
RETRIEVERS = ("bm25", "dense")
_OF_A_RETRIEVER = ("votes", "early_votes", "share", "reciprocal", "best", "rank", "top")


def retriever_features(name: str) -> tuple[str, ...]:
    """The columns of a retriever."""
    return tuple(f"{name}_{column}" for column in _OF_A_RETRIEVER)


#: The columns, grouped by what their names begin with. A column is NaN where its source says nothing.
FEATURES = (
    *(column for name in RETRIEVERS for column in retriever_features(name)),  # see `_votes`
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
#: Columns that have a value where a source other than a retriever has the hashtag.
_OTHER_SOURCES = ("selector_nearest", "generator_rank", "mention_words")
#: Hits whose votes count as early.
_EARLY = 10
#: How little the first ranks differ in `reciprocal`.
_RANK_CONSTANT = 5
_DECIMALS = 4


class Known(NamedTuple):
    """What corpus and selector know of the hashtags of a pool.

    Attributes:
        similarity: The selector's similarity between post and hashtag, in [-1, 1].
        carriers: Posts of the corpus that carry it.
        idf: Inverse document frequencies of its terms; of those hashtags that have any.
        days: Its uses, each by its age in days; empty where time plays no part.
    """

    similarity: Mapping[str, float]
    carriers: Mapping[str, int]
    idf: Mapping[str, Sequence[float]]
    days: Mapping[str, float]


def is_feature(name: str) -> bool:
    """Whether a table may have a column of this name."""
    return name in FEATURES or name.endswith(retriever_features(""))


def feature_table(
    post: str, candidates: Sequence[Candidate], pool: Pool, generation: Generation, known: Known
) -> FeatureTable:
    """The features of every hashtag of which something is known.

    Args:
        post: The cleaned post.
        candidates: The hashtags that the selector ranked.
        pool: The pool.
        generation: What the generator wrote.
        known: What is known of each hashtag.
    """
    hashtags = list(known.similarity)
    others = [name for name in pool.hits if name not in RETRIEVERS]
    names = (*FEATURES, *(column for name in others for column in retriever_features(name)))
    columns: dict[str, Mapping[str, float]] = {}
    for name in (*RETRIEVERS, *others):
        columns |= {f"{name}_{column}": values for column, values in _votes(pool.hits.get(name, ())).items()}
    columns["recency_days"] = _recency([hit for hits in pool.hits.values() for hit in hits])
    columns |= _of_selector(candidates, pool, known)
    columns |= _of_generator(generation, hashtags)
    columns |= _of_mentions({tag: pool.mentions[tag] for tag in hashtags if tag in pool.mentions})
    columns |= _of_strings(post, hashtags, known)
    columns |= _of_popularity(pool, known, hashtags)
    sources = [*(f"{name}_votes" for name in (*RETRIEVERS, *others)), *_OTHER_SOURCES]
    columns["pool_sources"] = {tag: float(sum(tag in columns[source] for source in sources)) for tag in hashtags}
    rows = [[columns[name].get(tag, math.nan) for name in names] for tag in hashtags]
    values = np.asarray(rows, dtype=np.float64).reshape(len(hashtags), len(names))
    # Rounded, so that the last bits of a batched matrix product cross no threshold.
    return FeatureTable(hashtags, np.round(values, _DECIMALS).astype(np.float32), names)


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


def _of_selector(candidates: Sequence[Candidate], pool: Pool, known: Known) -> dict[str, Mapping[str, float]]:
    best = max(known.similarity.values(), default=0.0)
    return {
        "selector_cosine": known.similarity,
        "selector_gap": {tag: cosine - best for tag, cosine in known.similarity.items()},
        "selector_ranking": {candidate.hashtag: candidate.score for candidate in candidates},
        "selector_rank": _ranks([candidate.hashtag for candidate in candidates]),
        "selector_nearest": _ranks(pool.nearest),
    }


def _of_generator(generation: Generation, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    totals = {tag: mean * generation.tokens.get(tag, 1) for tag, mean in generation.log_likelihoods.items()}
    best = max((totals[tag] for tag in hashtags if tag in totals), default=0.0)
    return {
        "generator_mean": generation.log_likelihoods,
        "generator_total": totals,
        "generator_gap": {tag: total - best for tag, total in totals.items()},
        "generator_rank": _ranks(generation.hashtags),
    }


def _of_mentions(mentions: Mapping[str, Mention]) -> dict[str, Mapping[str, float]]:
    return {
        f"mention_{field}": {tag: float(getattr(mention, field)) for tag, mention in mentions.items()}
        for field in Mention._fields
    }


def _of_strings(post: str, hashtags: Sequence[str], known: Known) -> dict[str, Mapping[str, float]]:
    text, terms = hashtag_key(post), _terms(post)
    keys = {tag: hashtag_key(tag) for tag in hashtags}
    own = {tag: _terms(tag) for tag in hashtags}
    return {
        "corpus_count": {tag: math.log1p(known.carriers[tag]) for tag in hashtags},
        "string_in_post": {tag: float(key in text) for tag, key in keys.items()},
        "string_overlap": {tag: len(own[tag] & terms) / max(1, len(own[tag])) for tag in hashtags},
        "string_rarest": {tag: max(idf) for tag, idf in known.idf.items()},
        "string_commonest": {tag: min(idf) for tag, idf in known.idf.items()},
        "string_characters": {tag: float(len(key)) for tag, key in keys.items()},
        "string_words": {tag: float(len(words(tag))) for tag in hashtags},
        "string_digits": {tag: sum(map(str.isdigit, key)) / max(1, len(key)) for tag, key in keys.items()},
        "post_characters": dict.fromkeys(hashtags, float(len(text))),
    }


def _of_popularity(pool: Pool, known: Known, hashtags: Sequence[str]) -> dict[str, Mapping[str, float]]:
    hours = pool.hours
    return {
        "popularity_hours": {tag: math.log1p(hours.get(tag, 0.0)) for tag in hashtags} if hours is not None else {},
        "popularity_days": {tag: math.log1p(days) for tag, days in known.days.items()},
        "popularity_rank": _ranks(pool.popular),
    }


def _terms(text: str) -> set[str]:
    """Words, and pairs of Chinese characters."""
    return set(chinese_bigrams(text))


def _ranks(hashtags: Sequence[str]) -> dict[str, float]:
    return {hashtag: float(rank) for rank, hashtag in enumerate(hashtags, start=1)}
