"""The stages that a post goes through, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from right_hf.configuration_right import RightConfig
from right_hf.fusion import ClueFinder, Trace
from right_hf.generator import Generator
from right_hf.retriever import Retriever, fused_hits, search_each
from right_hf.selector import BiEncoderSelector


def run_stages(
    posts: Sequence[str],
    config: RightConfig,
    retriever: Retriever,
    selector: BiEncoderSelector,
    generator: Generator,
    clues: ClueFinder | None = None,
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
        generation: Arguments of the generator's `generate`.
    """
    found = search_each(retriever, posts, max(config.hits, clues.settings.depth if clues is not None else 0))
    hits = fused_hits(found, config.hits)
    vectors = selector.embed(posts)
    candidates = selector.rank(posts, hits, vectors)
    hashtags = [[candidate.hashtag for candidate in ranked] for ranked in candidates]
    contexts = [ranked[: config.context_hashtags] for ranked in hashtags]
    if clues is None:
        scored = [ranked[: config.pool_hashtags] for ranked in hashtags]
        generations = generator.generate(posts, contexts, scored, **generation)
        return [Trace(*stages) for stages in zip(posts, hits, candidates, generations, strict=True)]
    before = clues.before(posts, vectors, found, candidates)
    generations = generator.generate(posts, contexts, [clue.pool for clue in before], **generation)
    after = clues.after(vectors, before, generations)
    return [Trace(*stages) for stages in zip(posts, hits, candidates, generations, after, strict=True)]
