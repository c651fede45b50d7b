"""The stages that a post goes through, in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from right_hf.config import RightConfig
from right_hf.encoders import Matrix
from right_hf.ranker import ClueFinder, Clues, Trace
from right_hf.generator import Generation, Generator
from right_hf.retriever import Hit, Retriever, fused_hits, search_each
from right_hf.selector import BiEncoderSelector, Candidate


class Prepared(NamedTuple):
    """What is known of some posts before the generator reads them; an entry a post everywhere.

    Attributes:
        posts: Cleaned, non-empty posts.
        vectors: (len(posts), d), the posts as the selector embeds them.
        hits: The retrieved posts, most similar first.
        candidates: Their hashtags, ranked by the selector.
        contexts: The hashtags that the generator reads.
        scored: The hashtags whose likelihood it is asked for.
        clues: What a ranker looks at besides, without facts; None where there is no ranker.
    """

    posts: Sequence[str]
    vectors: Matrix
    hits: list[list[Hit]]
    candidates: list[list[Candidate]]
    contexts: list[list[str]]
    scored: list[list[str]]
    clues: list[Clues] | None


def prepare(
    posts: Sequence[str],
    config: RightConfig,
    retriever: Retriever,
    selector: BiEncoderSelector,
    clues: ClueFinder | None,
    now: float,
) -> Prepared:
    """Runs the stages before the generator, see [`run_stages`]."""
    found = search_each(retriever, posts, max(config.hits, clues.settings.depth if clues is not None else 0))
    hits = fused_hits(found, config.hits)
    vectors = selector.embed(posts)
    candidates = selector.rank(posts, hits, vectors)
    hashtags = [[candidate.hashtag for candidate in ranked] for ranked in candidates]
    contexts = [ranked[: config.context_hashtags] for ranked in hashtags]
    if clues is None:
        scored = [ranked[: config.pool_hashtags] for ranked in hashtags]
        return Prepared(posts, vectors, hits, candidates, contexts, scored, None)
    before = clues.before(posts, vectors, found, candidates, now)
    return Prepared(posts, vectors, hits, candidates, contexts, [list(clue.pool) for clue in before], before)


def finish(prepared: Prepared, generations: Sequence[Generation], clues: ClueFinder | None, now: float) -> list[Trace]:
    """Puts together what the stages made of each post, see [`run_stages`]."""
    rows = (prepared.posts, prepared.hits, prepared.candidates, generations)
    if clues is None or prepared.clues is None:
        return [Trace(*stages) for stages in zip(*rows, strict=True)]
    after = clues.after(prepared.vectors, prepared.clues, generations, now)
    return [Trace(*stages) for stages in zip(*rows, after, strict=True)]


def run_stages(
    posts: Sequence[str],
    config: RightConfig,
    retriever: Retriever,
    selector: BiEncoderSelector,
    generator: Generator,
    clues: ClueFinder | None = None,
    now: float | None = None,
    **generation: Any,
) -> list[Trace]:
    """Runs retriever, selector and generator on posts, as one batch.

    Args:
        posts: Cleaned, non-empty posts.
        config: How the components work together.
        retriever: Finds similar posts.
        selector: Ranks their hashtags.
        generator: Writes the answer, and scores what is to be ranked.
        clues: Gathers what a ranker looks at besides; None where there is none.
        now: The time for which hashtags are wanted, in seconds since 1970; None for the present.
        generation: Arguments of the generator's `generate`.
    """
    moment = time.time() if now is None else now
    prepared = prepare(posts, config, retriever, selector, clues, moment)
    generations = generator.generate(posts, prepared.contexts, prepared.scored, **generation)
    return finish(prepared, generations, clues, moment)
