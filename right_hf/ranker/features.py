"""The features of each hashtag of a post's pool: what its sources say of it, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from right_hf.ranker.columns import GROUPS, Known, Seen, retriever_columns
from right_hf.ranker.records import FeatureTable
from right_hf.ranker.rows import Column, Rows
from right_hf.ranker.votes import VOTES

#: Retrievers whose columns every whole table has; those of another one come behind the rest.
RETRIEVERS = ("bm25", "dense")


def retriever_features(name: str) -> tuple[str, ...]:
    """The columns of a retriever."""
    return tuple(f"{name}_{column}" for column in VOTES)


#: The columns, grouped by what their names begin with. A column is NaN where its source says nothing.
FEATURES = (
    *(column for name in RETRIEVERS for column in retriever_features(name)),  # see `votes`
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
    "corpus_share",  # how many they are beside those with its words: ln((carry + 0.5) / (hold + 5)), "keyphraseness"
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
    "associated_share",  # see `Association`
    "associated_lift",
    "associated_seeds",
)
#: What the generator says, by likelihoods of hashtags that it need not have written.
LIKELIHOODS = frozenset({"generator_mean", "generator_total", "generator_gap"})
#: Columns that have a value where a source other than a retriever has the hashtag.
_OTHER_SOURCES = ("selector_nearest", "generator_rank", "mention_words", "associated_share")
_DECIMALS = 4


def is_feature(name: str) -> bool:
    """Whether a table may have a column of this name."""
    return name in FEATURES or name.endswith(retriever_features(""))


def feature_tables(posts: Sequence[Seen], known: Known, wanted: Sequence[str] | None = None) -> list[FeatureTable]:
    """The features of every hashtag of some posts, found for all of them at once.

    Args:
        posts: What the stages made of each post.
        known: What is known of each hashtag.
        wanted: The columns to work out, in this order; None for all.
    """
    rows = Rows([seen.hashtags for seen in posts])
    others = dict.fromkeys(name for seen in posts for name in seen.pool.hits if name not in RETRIEVERS)
    names = tuple(wanted or (*FEATURES, *(column for name in others for column in retriever_features(name))))
    retrievers = (*RETRIEVERS, *others)
    sources = [*(f"{name}_votes" for name in retrievers), *_OTHER_SOURCES]
    needed = {*names, *sources} if "pool_sources" in names else set(names)
    columns: dict[str, Column] = {}
    for name in retrievers:
        if not needed.isdisjoint(retriever_features(name)):
            columns |= retriever_columns(posts, rows, name)
    for group, describe in GROUPS.items():
        if any(name.startswith(group) for name in needed):
            columns |= describe(posts, rows, known)
    if "pool_sources" in names:
        columns["pool_sources"] = np.sum([~np.isnan(columns[source]) for source in sources], axis=0, dtype=np.float64)
    values = np.stack([columns[name] if name in columns else rows.nothing() for name in names], axis=1)
    # Rounded, so that the last bits of a batched matrix product cross no threshold.
    rounded = np.round(values, _DECIMALS).astype(np.float32)
    return [
        FeatureTable(list(tags), rounded[slice(*span)], names)
        for tags, span in zip(rows.hashtags, rows.spans, strict=True)
    ]
