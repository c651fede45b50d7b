"""Statistics of splits: the paper's Table 1, and how much of the gold the training posts hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from right_hf.posts import Post
from right_hf.text.hashtags import hashtag_key

#: A hashtag of so many training posts counts as often seen.
OFTEN = 5


def length(text: str, language: str) -> int:
    """The length of a post or hashtag in tokens: words between white space, for Chinese (`"zh"`) characters."""
    words = text.split()
    return sum(map(len, words)) if language == "zh" else len(words)


def guess_language(posts: Sequence[Post]) -> str:
    """`"zh"` where most posts hold Chinese characters, else `"en"`."""
    chinese = sum(any("\u4e00" <= character <= "\u9fff" for character in post.text) for post in posts)
    return "zh" if 2 * chinese > len(posts) else "en"


@dataclass(frozen=True)
class SplitStatistics:
    """A split in numbers; lengths are in tokens as [`length`] counts them.

    Attributes:
        posts: Pairs of a post and its hashtags (Table 1: T-H pairs).
        hashtags_per_post: Mean number of hashtags of a post (Table 1: AvgHashtags).
        post_length: Mean length of a post (Table 1: AvgTweetLen).
        hashtag_length: Mean length of a hashtag, over all posts (Table 1: AvgHashtagLen).
        different_hashtags: Hashtags without repeats.
        several_hashtags: Share of the posts that have two or more.
        repeated_texts: Posts whose text stands in an earlier post of the split.
        dated: Share of the posts with a time.
    """

    posts: int
    hashtags_per_post: float
    post_length: float
    hashtag_length: float
    different_hashtags: int
    several_hashtags: float
    repeated_texts: int
    dated: float


def split_statistics(posts: Sequence[Post], language: str) -> SplitStatistics:
    """Counts a split (paper, Table 1)."""
    hashtags = [hashtag for post in posts for hashtag in post.hashtags]
    return SplitStatistics(
        posts=len(posts),
        hashtags_per_post=_share(len(hashtags), len(posts)),
        post_length=_share(sum(length(post.text, language) for post in posts), len(posts)),
        hashtag_length=_share(sum(length(hashtag, language) for hashtag in hashtags), len(hashtags)),
        different_hashtags=len(set(hashtags)),
        several_hashtags=_share(sum(len(post.hashtags) > 1 for post in posts), len(posts)),
        repeated_texts=len(posts) - len({post.text for post in posts}),
        dated=_share(sum(post.created_at is not None for post in posts), len(posts)),
    )


@dataclass(frozen=True)
class Coverage:
    """How much of a split's gold can be found elsewhere; hashtags are counted with their repeats over posts.

    Attributes:
        seen: Share of the gold hashtags that a training post has.
        often: Share of the gold hashtags that at least five training posts have.
        posts: Share of the posts with a gold hashtag that a training post has.
        in_text: Share of the gold hashtags whose letters and digits stand in the post.
    """

    seen: float
    often: float
    posts: float
    in_text: float


def coverage(posts: Sequence[Post], train: Sequence[Post]) -> Coverage:
    """How much of the gold of `posts` stands in the hashtags of `train`, or in the posts themselves."""
    counts = Counter(hashtag for post in train for hashtag in post.hashtags)
    gold = [(post, hashtag) for post in posts for hashtag in post.hashtags]
    texts = {post.id: hashtag_key(post.text) for post in posts}
    return Coverage(
        seen=_share(sum(hashtag in counts for _, hashtag in gold), len(gold)),
        often=_share(sum(counts[hashtag] >= OFTEN for _, hashtag in gold), len(gold)),
        posts=_share(sum(any(hashtag in counts for hashtag in post.hashtags) for post in posts), len(posts)),
        in_text=_share(sum(hashtag_key(hashtag) in texts[post.id] for post, hashtag in gold), len(gold)),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
