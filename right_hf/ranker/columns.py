"""The groups of columns that describe the hashtags of a batch, one function for each source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from right_hf.analysis import chinese_bigrams
from right_hf.generator.base import Generation
from right_hf.ranker.association import Association
from right_hf.ranker.records import Mention, Pool
from right_hf.ranker.rows import Column, Rows
from right_hf.ranker.votes import recency, votes
from right_hf.selector.ranking import Candidate
from right_hf.text.hashtags import hashtag_key
from right_hf.text.words import words

#: Hashtags of which it is remembered what is the same in every post.
_REMEMBERED = 1 << 16


class Seen(NamedTuple):
    """What the stages made of one post, to be described by features.

    Attributes:
        post: The cleaned post.
        hashtags: What is described: the hashtags of the pool, and those that were written.
        candidates: The hashtags that the selector ranked.
        pool: The pool.
        generation: What the generator wrote.
        cosines: (len(hashtags),) the selector's similarity between the post and each of its hashtags, in [-1, 1].
    """

    post: str
    hashtags: Sequence[str]
    candidates: Sequence[Candidate]
    pool: Pool
    generation: Generation
    cosines: Sequence[float]


class Known(NamedTuple):
    """What corpus and time say of hashtags, whatever the post.

    Attributes:
        carriers: How many posts of the corpus carry a hashtag.
        holders: How many hold all of its terms.
        idf: The inverse document frequencies of its terms, if it has any.
        days: Its uses at the moment of the post of a given row, each by its age in days; None where time plays no part.
    """

    carriers: Callable[[str], int]
    holders: Callable[[str], int]
    idf: Callable[[str], Sequence[float]]
    days: Callable[[str, int], float] | None = None


class _Own(NamedTuple):
    """What is the same of a hashtag in every post: its key, its words and pairs of Chinese characters, and numbers."""

    key: str
    terms: frozenset[str]
    words: int
    digits: float


@lru_cache(maxsize=_REMEMBERED)
def _own(hashtag: str) -> _Own:
    key = hashtag_key(hashtag)
    return _Own(
        key, frozenset(chinese_bigrams(hashtag)), len(words(hashtag)), sum(map(str.isdigit, key)) / max(1, len(key))
    )


def retriever_columns(posts: Sequence[Seen], rows: Rows, retriever: str) -> dict[str, Column]:
    """What the hits of one retriever say, see [`votes`]."""
    found = votes(rows, [seen.pool.hits.get(retriever, ()) for seen in posts])
    return {f"{retriever}_{column}": values for column, values in found.items()}


def _recency(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    hits = [[hit for found in seen.pool.hits.values() for hit in found] for seen in posts]
    return {"recency_days": recency(rows, hits)}


def _selector(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    cosines = np.fromiter((cosine for seen in posts for cosine in seen.cosines), np.float64, rows.count)
    scores = [{candidate.hashtag: candidate.score for candidate in seen.candidates} for seen in posts]
    return {
        "selector_cosine": cosines,
        "selector_gap": cosines - rows.best(cosines),
        "selector_ranking": rows.of(scores),
        "selector_rank": rows.ranks([list(ranked) for ranked in scores]),
        "selector_nearest": rows.ranks([seen.pool.nearest for seen in posts]),
    }


def _generator(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    written = [seen.generation for seen in posts]
    means = rows.of([generation.log_likelihoods for generation in written])
    totals = means * np.nan_to_num(rows.of([generation.tokens for generation in written]), nan=1.0)
    return {
        "generator_mean": means,
        "generator_total": totals,
        "generator_gap": totals - rows.best(totals),
        "generator_rank": rows.ranks([generation.hashtags for generation in written]),
    }


def _mentions(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    pairs = zip(posts, rows.places, strict=True)
    found = [
        (place[tag], seen.pool.mentions[tag]) for seen, place in pairs for tag in place if tag in seen.pool.mentions
    ]
    at = [row for row, _ in found]
    return {
        f"mention_{field}": rows.column(at, [mention[number] for _, mention in found])
        for number, field in enumerate(Mention._fields)
    }


def _corpus(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    return {"corpus_count": np.log1p([known.carriers(tag) for tags in rows.hashtags for tag in tags])}


def _corpus_shares(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    tags = [tag for tags in rows.hashtags for tag in tags]
    carried = np.asarray([known.carriers(tag) for tag in tags], dtype=np.float64)
    found = np.flatnonzero(carried).tolist()
    held = np.asarray([known.holders(tags[row]) for row in found], dtype=np.float64)
    shares = np.log((carried[found] + 0.5) / (np.maximum(held, carried[found]) + 5))
    return {"corpus_share": rows.column(found, shares)}


def _strings(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    texts = [hashtag_key(seen.post) for seen in posts]
    terms = [set(chinese_bigrams(seen.post)) for seen in posts]
    own = [[_own(tag) for tag in tags] for tags in rows.hashtags]
    every = [of_one for of_post in own for of_one in of_post]
    idf = [known.idf(tag) for tags in rows.hashtags for tag in tags]
    telling = [row for row, values in enumerate(idf) if values]

    def column(values: Sequence[float]) -> Column:
        return np.asarray(values, dtype=np.float64)

    return {
        "string_in_post": column([one.key in text for text, ones in zip(texts, own, strict=True) for one in ones]),
        "string_overlap": column(
            [
                len(one.terms & had) / max(1, len(one.terms))
                for had, ones in zip(terms, own, strict=True)
                for one in ones
            ]
        ),
        "string_rarest": rows.column(telling, [max(idf[row]) for row in telling]),
        "string_commonest": rows.column(telling, [min(idf[row]) for row in telling]),
        "string_characters": column([len(one.key) for one in every]),
        "string_words": column([one.words for one in every]),
        "string_digits": column([one.digits for one in every]),
        "post_characters": rows.each([len(text) for text in texts]),
    }


def _associations(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    found = [seen.pool.associated or {} for seen in posts]
    return {
        f"associated_{field}": rows.of([{tag: one[number] for tag, one in ones.items()} for ones in found])
        for number, field in enumerate(Association._fields)
    }


def _popularity(posts: Sequence[Seen], rows: Rows, known: Known) -> dict[str, Column]:
    found: dict[str, Column] = {"popularity_rank": rows.ranks([seen.pool.popular for seen in posts])}
    if known.days is not None:
        hours = [(seen.pool.hours or {}).get(tag, 0.0) for seen in posts for tag in seen.hashtags]
        days = [known.days(tag, row) for row, seen in enumerate(posts) for tag in seen.hashtags]
        found |= {"popularity_hours": np.log1p(hours), "popularity_days": np.log1p(days)}
    return found


#: By how the names of their columns begin, the groups that do not belong to a retriever.
GROUPS: Mapping[str | tuple[str, ...], Callable[[Sequence[Seen], Rows, Known], dict[str, Column]]] = {
    "selector_": _selector,
    "generator_": _generator,
    "recency_": _recency,
    "mention_": _mentions,
    "corpus_count": _corpus,
    "corpus_share": _corpus_shares,
    ("string_", "post_"): _strings,
    "popularity_": _popularity,
    "associated_": _associations,
}
