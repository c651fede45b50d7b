"""What trees learn of each hashtag in a pool: whether its author used it, or in part, whether it means as much."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from right_hf.encoders import Matrix
from right_hf.posts import Post
from right_hf.trainers.pools import Floats, Pools

#: Cosine between hashtags up to which they count as unlike.
_UNLIKE = 0.5
#: Posts that carry a hashtag which people use.
_IN_USE = 2


def soft_label(gold: Floats, likeness: Floats, related: float) -> Floats:
    """1 for gold hashtags, else related * (likeness - 0.5) / 0.5, at least 0.

    Args:
        gold: 1 where the author used the hashtag, else 0.
        likeness: Its highest cosine to one that the author used.
        related: What it counts at a likeness of 1, in [0, 1].
    """
    shares = related * np.clip((likeness - _UNLIKE) / (1 - _UNLIKE), 0, 1)
    return np.asarray(np.maximum(gold, shares), dtype=np.float32)


def pool_labels(
    pools: Pools, posts: Sequence[Post], embed: Callable[[Sequence[str]], Matrix], related: float
) -> Floats:
    """(N,) the labels of all hashtags; those that no two posts of the corpus carry count as gold or nothing.

    An author names one of several hashtags that fit (`#foodie`, not `#food`). To learn that the others are wrong is to
    learn less of what a person could post.

    Args:
        pools: The pools.
        posts: Their posts, in the same order.
        embed: Embeds hashtags, see [`right_hf.selector.Selector.embed_hashtags`].
        related: See [`soft_label`].
    """
    gold = pools.gold.astype(np.float32)
    in_use = pools.column("corpus_count") >= np.float32(np.log1p(_IN_USE - 0.5))
    told = [tag for tag, used in zip(pools.hashtags, in_use.tolist(), strict=True) if used]
    hashtags = list(dict.fromkeys([*told, *(tag for post in posts for tag in post.hashtags)]))
    vectors, rows = embed(hashtags), {tag: row for row, tag in enumerate(hashtags)}
    likeness = np.zeros(len(gold), dtype=np.float32)
    ends = np.cumsum(pools.sizes)
    for post, start, end in zip(posts, (ends - pools.sizes).tolist(), ends.tolist(), strict=True):
        places = start + np.flatnonzero(in_use[start:end])
        if post.hashtags and len(places):
            found = vectors[[rows[pools.hashtags[at]] for at in places.tolist()]]
            likeness[places] = (found @ vectors[[rows[tag] for tag in post.hashtags]].T).max(axis=1)
    return soft_label(gold, likeness, related)
