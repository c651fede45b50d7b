"""Training examples of the generator: posts with the hashtags that retriever and selector would give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tqdm.auto import tqdm

from right_hf.analysis import Analyser
from right_hf.posts import Post
from right_hf.retriever import Hit, Retriever
from right_hf.retriever.duplicates import search_as_unseen
from right_hf.selector import BiEncoderSelector

_CHUNK = 1024


class GeneratorExample(NamedTuple):
    """One training example: the post, the selected hashtags of its input, and the hashtags to write."""

    post: str
    context: tuple[str, ...]
    target: tuple[str, ...]


def plain_examples(posts: Sequence[Post]) -> list[GeneratorExample]:
    """Examples without retrieval (the paper's Seq2Seq baseline)."""
    return [GeneratorExample(post.text, (), post.hashtags) for post in posts]


def augmented_examples(
    posts: Sequence[Post],
    retriever: Retriever,
    selector: BiEncoderSelector,
    hits: int = 10,
    hashtags: int = 7,
    unseen_under: Analyser | None = None,
) -> list[GeneratorExample]:
    """Retrieval-augmented examples (paper, section 2.3).

    Args:
        posts: The posts to write hashtags for.
        retriever: Searches the corpus.
        selector: Ranks the hashtags of the hits.
        hits: N, posts retrieved for each post.
        hashtags: k, hashtags concatenated with each post.
        unseen_under: For posts that are in the corpus themselves: the analyser by whose terms near duplicates are
            found. Each post is then searched without itself and its near duplicates. None for posts of other splits.
    """
    examples: list[GeneratorExample] = []
    for chunk in tqdm(list(_chunks(posts)), desc="retrieving", unit="chunk"):
        texts = [post.text for post in chunk]
        found: list[list[Hit]]
        if unseen_under is None:
            found = retriever.search(texts, hits)
        else:
            found = search_as_unseen(retriever, chunk, hits, unseen_under)
        for post, candidates in zip(chunk, selector.rank(texts, found), strict=True):
            context = tuple(candidate.hashtag for candidate in candidates[:hashtags])
            examples.append(GeneratorExample(post.text, context, post.hashtags))
    return examples


def _chunks(posts: Sequence[Post]) -> Iterator[Sequence[Post]]:
    for start in range(0, len(posts), _CHUNK):
        yield posts[start : start + _CHUNK]
