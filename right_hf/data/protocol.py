"""Protocols: which of the training posts an experiment uses. Validation and test posts are always all used."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from right_hf.posts import Post

#: `full`: all training posts; `small`: 30,000 of them, for machines without an accelerator.
PROTOCOLS = ("full", "small")
SMALL_SIZE = 30_000


def small(posts: Sequence[Post], seed: int = 0, size: int = SMALL_SIZE) -> list[Post]:
    """A fixed part of the posts, all where they are fewer than `size`; ids stay as they are.

    Posts are ordered by a hash of seed and id, and the first are taken: the result does not depend on the order of the
    posts, a smaller part lies within a larger one, and few of the posts change when some are added.

    Returns:
        The chosen posts, in the order of the hash.

    Raises:
        ValueError: `size` is not positive.
    """
    if size < 1:
        raise ValueError(f"A part of the posts needs at least one of them, got size={size}.")

    def rank(post: Post) -> tuple[bytes, str]:
        return hashlib.blake2b(f"{seed}:{post.id}".encode(), digest_size=16).digest(), post.id

    return sorted(posts, key=rank)[:size]


def apply_protocol(protocol: str, posts: Sequence[Post]) -> list[Post]:
    """The training posts that a protocol uses; those of `small` are the same for every seed of an experiment.

    Raises:
        ValueError: There is no such protocol.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"Unknown protocol {protocol!r}. Known: {', '.join(PROTOCOLS)}.")
    return small(posts) if protocol == "small" else list(posts)
