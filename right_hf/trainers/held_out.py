"""A part of the training posts that is kept from all models, so that a ranker learns from pools as they will be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from right_hf.data.protocol import small
from right_hf.posts import Post

#: Which posts are held out.
ORDERS = ("random", "time")
#: Of the random choice, so that it is another than that of the protocol `small`.
_SEED = 7


def ranker_posts(posts: Sequence[Post], recipe: Any) -> tuple[list[Post], list[Post]]:
    """The training posts that the models behind a ranker's pools keep, and those it learns from; see [`hold_out`].

    `recipe` is a [`right_hf.trainers.ranker.TreesRecipe`].
    """
    kept, held = hold_out(posts, recipe.held_out, recipe.order)
    return kept, small([post for post in held if post.text], size=recipe.posts)


def hold_out(posts: Sequence[Post], share: float, order: str = "random") -> tuple[list[Post], list[Post]]:
    """Splits posts into those that models are trained on, and a share that is held out.

    Args:
        posts: The training posts.
        share: Of the posts, above 0 and below 1.
        order: "random" draws them by a hash of the id; "time" takes the latest of those that tell their time, and
            draws among the others.

    Returns:
        The posts that stay, in their order, and the posts held out; neither is empty.

    Raises:
        ValueError: There are too few posts to split.
    """
    dated = sorted((p for p in posts if order == "time" and p.created_at), key=lambda post: (post.created_at, post.id))
    others = [post for post in posts if not (order == "time" and post.created_at)]
    latest = dated[len(dated) - round(share * len(dated)) :]
    number = round(share * len(others))
    held = latest + (small(others, _SEED, number) if number else [])
    ids = {post.id for post in held}
    kept = [post for post in posts if post.id not in ids]
    if not (held and kept):
        raise ValueError(f"{len(posts)} posts cannot be split with {share} of them held out. Use more posts.")
    return kept, held
