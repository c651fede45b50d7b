"""Posts for a run in small: a few of any data set, or of the openly licensed ones in this repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from reproduction.analysis.emergent import in_order_of_time
from right_hf.data import load_split, small
from right_hf.posts import Post

#: What the repository's own posts are called in results.
SHOWN = "showcase"
_SHOWN_FILE = Path(__file__).parents[1] / "showcase" / "test.jsonl"
#: Of the dated ones the share that are validation and test posts.
_LATER = 0.2
#: Posts of each split that are taken.
SMOKE_POSTS = {"train": 200, "validation": 100, "test": 40}
#: Hashtags, the most used, that half of these posts have: of posts drawn at random too few share one to rank any.
_COMMON = 8


def shown_posts() -> dict[str, list[Post]]:
    """The openly licensed posts in training/showcase, split by time; those that tell none are training posts."""
    posts = load_split(_SHOWN_FILE.parent, "test")
    dated = in_order_of_time(posts)
    undated = [post for post in posts if not post.created_at]
    later = round(_LATER * len(dated))
    border = len(dated) - 2 * later
    return {
        "train": [*undated, *dated[:border]],
        "validation": dated[border : border + later],
        "test": dated[border + later :],
    }


def few_posts(splits: Mapping[str, Sequence[Post]]) -> dict[str, list[Post]]:
    """Some posts of each split, half of them with one of the most used hashtags."""
    counts = Counter(hashtag for post in splits["train"] for hashtag in post.hashtags)
    common = {hashtag for hashtag, _ in counts.most_common(_COMMON)}
    few: dict[str, list[Post]] = {}
    for split, size in SMOKE_POSTS.items():
        posts = [post for post in splits[split] if post.text]
        with_common = small([post for post in posts if common & set(post.hashtags)], size=size // 2)
        taken = {post.id for post in with_common}
        few[split] = with_common + small([post for post in posts if post.id not in taken], size=size // 2)
    return few
