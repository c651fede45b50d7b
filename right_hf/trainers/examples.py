"""Training examples of the generator: posts with the hashtags that retriever and selector would give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tqdm.auto import tqdm

from right_hf.analysis import Analyser
from right_hf.posts import Post
from right_hf.retriever import Hit, Retriever, summed_votes
from right_hf.retriever.duplicates import search_as_unseen
from right_hf.selector import BiEncoderSelector

_CHUNK = 1024
#: From posts and their hits to the hashtags of these hits, best first.
Ranker = Callable[[Sequence[str], Sequence[Sequence[Hit]]], list[list[str]]]


class GeneratorExample(NamedTuple):
    """One training example: the post, the selected hashtags of its input, and the hashtags to write."""

    post: str
    context: tuple[str, ...]
    target: tuple[str, ...]


def plain_examples(posts: Sequence[Post]) -> list[GeneratorExample]:
    """Examples without retrieval (the paper's Seq2Seq baseline)."""
    return examples_with(posts, [()] * len(posts))


def ranked_hashtags(
    posts: Sequence[Post],
    retriever: Retriever,
    rank: Ranker,
    hits: int = 10,
    unseen_under: Analyser | None = None,
) -> list[list[str]]:
    """The hashtags of the retrieved posts, best first, for each post.

    Args:
        posts: The posts to find hashtags for.
        retriever: Searches the corpus.
        rank: Ranks the hashtags of the hits.
        hits: N, posts retrieved for each post.
        unseen_under: For posts that are in the corpus themselves: the analyser by whose terms near duplicates are
            found. Each post is then searched without itself and its near duplicates. None for posts of other splits.
    """
    ranked: list[list[str]] = []
    for chunk in tqdm(list(_chunks(posts)), desc="retrieving", unit="chunk"):
        texts = [post.text for post in chunk]
        found: list[list[Hit]]
        if unseen_under is None:
            found = retriever.search(texts, hits)
        else:
            found = search_as_unseen(retriever, chunk, hits, unseen_under)
        ranked.extend(rank(texts, found))
    return ranked


def selector_ranker(selector: BiEncoderSelector) -> Ranker:
    """The selector's ranking (paper, section 2.2), best first."""
    return lambda texts, found: [
        [candidate.hashtag for candidate in candidates] for candidates in selector.rank(texts, found)
    ]


def votes_ranker(texts: Sequence[str], found: Sequence[Sequence[Hit]]) -> list[list[str]]:
    """Hashtags by the summed scores of the hits that carry them (paper, Table 4, w/o selector)."""
    return [summed_votes(hits) for hits in found]


def examples_with(posts: Sequence[Post], hashtags: Sequence[Sequence[str]]) -> list[GeneratorExample]:
    """Examples of posts with these hashtags beside them (paper, section 2.3)."""
    pairs = zip(posts, hashtags, strict=True)
    return [GeneratorExample(post.text, tuple(context), post.hashtags) for post, context in pairs]


def augmented_examples(
    posts: Sequence[Post],
    retriever: Retriever,
    selector: BiEncoderSelector,
    hits: int = 10,
    hashtags: int = 7,
    unseen_under: Analyser | None = None,
) -> list[GeneratorExample]:
    """Examples with the `hashtags` (k) best of [`ranked_hashtags`] by the selector."""
    ranked = ranked_hashtags(posts, retriever, selector_ranker(selector), hits, unseen_under)
    return examples_with(posts, [found[:hashtags] for found in ranked])


def _chunks(posts: Sequence[Post]) -> Iterator[Sequence[Post]]:
    for start in range(0, len(posts), _CHUNK):
        yield posts[start : start + _CHUNK]
