"""Training examples of the generator: posts with the hashtags that retriever and selector would give it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from right_hf.analysis import Analyser, get_analyser
from right_hf.posts import Post
from right_hf.progress import batches
from right_hf.retriever import Hit, Retriever
from right_hf.retriever.duplicates import search_as_unseen
from right_hf.selector import Selector
from right_hf.trainers.job import Examples, GeneratorExample, Job
from right_hf.workers import Engine

_CHUNK = 1024
#: From posts and their hits to the hashtags of these hits, best first.
Ranking = Callable[[Sequence[str], Sequence[Sequence[Hit]]], list[list[str]]]


def plain_examples(posts: Sequence[Post]) -> list[GeneratorExample]:
    """Examples without retrieval (the paper's Seq2Seq baseline)."""
    return examples_with(posts, [()] * len(posts))


def ranked_hashtags(
    posts: Sequence[Post],
    retriever: Retriever,
    rank: Ranking,
    hits: int = 10,
    unseen_under: Analyser | None = None,
    engine: Engine = map,
) -> list[list[str]]:
    """The hashtags of the retrieved posts, best first, for each post.

    Args:
        posts: The posts to find hashtags for.
        retriever: Searches the corpus.
        rank: Ranks the hashtags of the hits.
        hits: N, posts retrieved for each post.
        unseen_under: For posts that are in the corpus themselves: the analyser by whose terms near duplicates are
            found. Each post is then searched without itself and its near duplicates. None for posts of other splits.
        engine: What shares the posts out, see [`right_hf.workers.Engine`].
    """
    chunks = batches(posts, _CHUNK, "retrieving")
    dealt = engine(partial(_ranked_chunk, retriever, rank, hits, unseen_under), chunks)
    return list(chain.from_iterable(dealt))


def _ranked_chunk(
    retriever: Retriever, rank: Ranking, hits: int, unseen_under: Analyser | None, chunk: Sequence[Post]
) -> list[list[str]]:
    texts = [post.text for post in chunk]
    if unseen_under is None:
        return rank(texts, retriever.search(texts, hits))
    return rank(texts, search_as_unseen(retriever, chunk, hits, unseen_under))


def selector_ranking(selector: Selector) -> Ranking:
    """The selector's ranking (paper, section 2.2), best first."""
    return partial(_selected, selector)


def _selected(selector: Selector, texts: Sequence[str], found: Sequence[Sequence[Hit]]) -> list[list[str]]:
    return [[candidate.hashtag for candidate in candidates] for candidates in selector.rank(texts, found)]


def examples_with(posts: Sequence[Post], hashtags: Sequence[Sequence[str]]) -> list[GeneratorExample]:
    """Examples of posts with these hashtags beside them (paper, section 2.3)."""
    pairs = zip(posts, hashtags, strict=True)
    return [GeneratorExample(post.text, tuple(context), post.hashtags) for post, context in pairs]


def generator_examples(job: Job) -> Examples:
    """Training and validation examples of a generator: posts with the hashtags that the selector chooses for them.

    They are those of the job where it has some; without the folder of a selector there are no hashtags beside posts.
    """
    if job.examples is not None:
        return job.examples
    validation = job.validation[: job.recipe.generator.validation_posts]
    if "selector" not in job.folders:
        return plain_examples(job.posts), plain_examples(validation)
    settings, number = job.recipe.retriever, job.recipe.selector.hashtags
    retriever, rank = job.retriever(), selector_ranking(job.part("selector"))

    def augmented(posts: Sequence[Post], unseen_under: Analyser | None = None) -> list[GeneratorExample]:
        ranked = ranked_hashtags(posts, retriever, rank, settings.hits, unseen_under, job.engine)
        return examples_with(posts, [found[:number] for found in ranked])

    return augmented(job.posts, get_analyser(settings.analyser)), augmented(validation)
