"""Kinds of posts: for which of them is a system good? The scores of each system for each kind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.analysis import Analyser
from right_hf.evaluation import Answer, percent
from right_hf.metrics import PerPost
from right_hf.posts import Post
from right_hf.retriever import Retriever
from right_hf.text.hashtags import hashtag_key

_OVERLAP_EDGES = (0.2, 0.4, 0.6, 0.8)


class Strata(NamedTuple):
    """A division of posts into kinds.

    Attributes:
        title: What the kinds differ in.
        names: The kinds, in the order in which they are shown.
        rows: For each post the index of its kind, of shape (n,).
    """

    title: str
    names: tuple[str, ...]
    rows: npt.NDArray[np.int64]


def by_seen_gold(posts: Sequence[Post], training_hashtags: Collection[str]) -> Strata:
    """Divides posts by how many of their gold hashtags some training post carries: all, some or none of them."""
    known = frozenset(training_hashtags)
    return _all_some_none("gold hashtags seen in training", posts, lambda post, hashtag: hashtag in known)


def by_gold_in_text(posts: Sequence[Post]) -> Strata:
    """Divides posts by how many of their gold hashtags stand in their text: all, some or none of them.

    A hashtag stands in a text if its letters and digits do, one after the other, whatever spaces and signs are between
    them: "devops" and "dev ops" stand in "Our Dev-Ops team". That may begin or end within a word.
    """
    return _all_some_none("gold hashtags in the text", posts, _stands_in)


def by_origin(answers: Sequence[Answer], contexts: Sequence[Sequence[str]]) -> Strata:
    """Divides posts by where the first hashtag of a generator's answer comes from: what was offered, or itself."""

    def kind(answer: Answer, context: Sequence[str]) -> int:
        if not answer.sequence:
            return 2
        return int(hashtag_key(answer.sequence[0]) not in {hashtag_key(hashtag) for hashtag in context})

    rows = [kind(*pair) for pair in zip(answers, contexts, strict=True)]
    return Strata("first hashtag", ("offered", "its own", "none"), np.array(rows, dtype=np.int64))


def by_overlap(overlaps: Sequence[float]) -> Strata:
    """Divides posts by their word overlap with the nearest training post (see [`nearest_overlaps`]).

    Each of the five kinds holds its lower end but not its upper one, the last one both.
    """
    edges = (0.0, *_OVERLAP_EDGES, 1.0)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return Strata("word overlap with the nearest training post", tuple(names), np.digitize(overlaps, _OVERLAP_EDGES))


def term_overlap(terms: Collection[str], nearest: Collection[str]) -> float:
    """|terms ∩ nearest| / |terms|: the share of a post's distinct terms that another has; 0 for a post without any."""
    distinct = set(terms)
    return len(distinct & set(nearest)) / len(distinct) if distinct else 0.0


def nearest_overlaps(retriever: Retriever, posts: Sequence[Post], analyse: Analyser) -> list[float]:
    """The share of each post's terms that its best hit in the training posts has, in [0, 1]; 0 where nothing is found.

    Args:
        retriever: Decides which training post is the nearest; never the post itself.
        posts: Posts of another split.
        analyse: Cuts texts into terms.
    """
    found = retriever.search([post.text for post in posts], k=1, exclude=[(post.id,) for post in posts])
    return [
        term_overlap(analyse(post.text), analyse(hits[0].post.text)) if hits else 0.0
        for post, hits in zip(posts, found, strict=True)
    ]


def score_strata(strata: Strata, systems: Mapping[str, Mapping[str, PerPost]]) -> dict[str, Any]:
    """Scores systems on each kind of posts.

    Args:
        strata: The division.
        systems: What each post adds to each metric, by the system's name. Of several seeds, pass their average
            ([`reproduction.analysis.significance.mean_over_seeds`]).

    Returns:
        `{"title": …, "strata": {kind: {"posts": number of them, "scores": {system: {metric: percent}}}}}`, without
        kinds of which there is no post.

    Raises:
        ValueError: A system was scored on another number of posts.
    """
    for system, statistics in systems.items():
        for metric, part in statistics.items():
            if len(part.numerator) != len(strata.rows):
                raise ValueError(
                    f"{system}, {metric}: scored on {len(part.numerator)} posts, but {len(strata.rows)} are divided "
                    "into kinds. Score and divide the same posts."
                )
    scored: dict[str, Any] = {}
    for index, name in enumerate(strata.names):
        rows = np.flatnonzero(strata.rows == index)
        if len(rows):
            scores = {
                system: percent({metric: part.of(rows) for metric, part in statistics.items()})
                for system, statistics in systems.items()
            }
            scored[name] = {"posts": len(rows), "scores": scores}
    return {"title": strata.title, "strata": scored}


def _stands_in(post: Post, hashtag: str) -> bool:
    letters = hashtag_key(hashtag)
    return bool(letters) and letters in hashtag_key(post.text)


def _all_some_none(title: str, posts: Sequence[Post], holds: Callable[[Post, str], bool]) -> Strata:
    """A post without gold hashtags belongs to none."""
    rows = []
    for post in posts:
        count = sum(holds(post, hashtag) for hashtag in post.hashtags)
        rows.append(2 if count == 0 else 0 if count == len(post.hashtags) else 1)
    return Strata(title, ("all", "some", "none"), np.array(rows, np.int64))
