"""The selector's training data: one (post, gold hashtag, disturbed hashtag) triplet a gold hashtag (paper, 2.2)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from right_hf.trainers.disturb import disturb
from right_hf.trainers.wordnet import Synonyms

if TYPE_CHECKING:
    from right_hf.posts import Post


class Triplet(NamedTuple):
    """One training example; its field names are the column names that sentence-transformers' losses read."""

    anchor: str
    """The post's text."""
    positive: str
    """A gold hashtag of the post."""
    negative: str
    """The positive disturbed; no gold hashtag of the post."""


def selector_triplets(posts: Iterable[Post], synonyms: Synonyms, seed: int, language: str) -> list[Triplet]:
    """Build the selector's training set {(t_i, t_i+, t_i-)} (paper, section 2.2).

    Args:
        posts: The training posts; one without hashtags gives no triplet.
        synonyms: A word to its synonyms, see `right_hf.trainers.wordnet`.
        seed: With a post's id, it seeds the disturbance of that post's hashtags: a post gives the same triplets
            whatever posts come before it, or with it.
        language: ``en`` or ``zh``.

    Returns:
        One triplet per (post, gold hashtag), in the order of posts and of their hashtags.

    Raises:
        ValueError: If a hashtag is empty or the language unknown.
    """
    triplets = []
    for post in posts:
        rng = random.Random(f"{seed}:{post.id}")  # text seeds are hashed alike in every process, hash() is not
        for hashtag in post.hashtags:
            negative = disturb(hashtag, synonyms, rng, language, forbidden=post.hashtags)
            triplets.append(Triplet(post.text, hashtag, negative))
    return triplets
