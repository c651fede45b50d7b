"""A post's way: retrieve, select, pool, generate, and gather the features that a ranker orders by."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import right_hf
from right_hf.deferred import Deferred, made
from right_hf.generator.base import Generation, Generator, generate_allowed
from right_hf.preferences import Preferences
from right_hf.ranker.pool import Pooler, PoolSettings, Wish
from right_hf.ranker.records import NO_GENERATION, Trace
from right_hf.retriever.base import Retriever
from right_hf.retriever.fusion import fused_hits
from right_hf.retriever.voices import one_voice_each
from right_hf.selector.base import Selector
from right_hf.settings import Settings
from right_hf.times import moment

#: The time of one post or of each, in seconds since 1970 or ISO 8601; None for the present.
Moments = float | str | Sequence[float | str] | None


class Stages:
    """Retriever, selector and generator, run one after the other.

    Args:
        config: How they work together.
        retriever: Finds similar posts.
        selector: Ranks their hashtags.
        generator: Writes the answer, and says how likely it finds what is to be ranked; None to go without.
        pool: What goes into the pool of a ranker; None where no ranker asks for one.

    Raises:
        TypeError: The pool holds popular hashtags, and the corpus is one that cannot change.
    """

    def __init__(
        self,
        config: right_hf.RightConfig | Settings,
        retriever: Retriever,
        selector: Selector,
        generator: Generator | Deferred[Generator] | None = None,
        pool: PoolSettings | None = None,
    ) -> None:
        self.config = config
        self.retriever = retriever
        self.selector = selector
        self._generator = generator
        self.pool = pool
        self.selector.prepare(retriever.corpus.hashtags)
        self._depth = max(config.hits, pool.depth) if pool is not None else config.hits
        self._pooler = Pooler(retriever, selector, pool) if pool is not None else None

    def run(
        self,
        posts: Sequence[str],
        now: Moments = None,
        queries: Sequence[str] | None = None,
        preferences: Preferences | None = None,
        **generation: Any,
    ) -> list[Trace]:
        """Lets posts go their way, as one batch.

        Args:
            posts: Cleaned, non-empty posts.
            now: The time for which hashtags are wanted.
            queries: What similar posts are searched with, where it is not the posts themselves.
            preferences: Which hashtags may come up at all; None for any.
            generation: Arguments of the generator's `generate`.

        Raises:
            ValueError: There are not as many times as posts.
        """
        config, pooler = self.config, self._pooler
        moments = each_moment(now, len(posts))
        wish = self._wish(preferences)
        parts = self.retriever.search_parts(posts if queries is None else queries, self._depth)
        found = {name: [one_voice_each(hits) for hits in lists] for name, lists in parts.items()}
        hits = fused_hits(found, config.hits)
        vectors = self.selector.embed(posts)  # (P, d)
        candidates = self.selector.rank(posts, hits, vectors)
        if wish is not None:
            candidates = [[found for found in ranked if wish.wanted(found.hashtag)] for ranked in candidates]
        retrieved = [[candidate.hashtag for candidate in ranked] for ranked in candidates]
        pools = pooler.pools(posts, vectors, found, candidates, moments, wish) if pooler is not None else None
        generations = [NO_GENERATION] * len(posts)
        if config.generate_when > 0 and (generator := made(self._generator)) is not None:
            contexts = [hashtags[: config.context_hashtags] for hashtags in retrieved]
            asked = [hashtags[: config.pool_hashtags] for hashtags in retrieved]
            scored = asked if pools is None else [list(pool.hashtags) for pool in pools]
            allowed = None if wish is None else wish.allowed
            generations = generate_allowed(generator, posts, contexts, scored, allowed=allowed, **generation)
            if wish is not None:
                generations = [self._as_wished(found, wish) for found in generations]
        rows = list(zip(posts, hits, candidates, generations, strict=True))
        if pooler is None or pools is None:
            return [Trace(*row) for row in rows]
        tables = pooler.features(posts, vectors, candidates, pools, generations, moments)
        return [Trace(*row, pool, table) for row, pool, table in zip(rows, pools, tables, strict=True)]

    def _wish(self, preferences: Preferences | None) -> Wish | None:
        if preferences is None:
            return None
        for listed in (preferences.allowed, preferences.preferred):
            if listed is not None:
                self.selector.prepare(listed.hashtags)
        return Wish(preferences.wants(self.retriever.corpus), preferences.allowed, preferences.preferred)

    def _as_wished(self, written: Generation, wish: Wish) -> Generation:
        """What was written, in the forms of the corpus, without what is not wanted."""
        corpus = self.retriever.corpus
        known = [*written.log_likelihoods, *written.hashtags]
        forms = {tag: corpus.form(tag) for tag in known if wish.wanted(tag)}
        tags = dict.fromkeys(forms[tag] for tag in written.hashtags if tag in forms)
        likelihoods = reversed(written.log_likelihoods.items())
        return Generation(
            list(tags),
            {forms[tag]: value for tag, value in likelihoods if tag in forms},  # rankers score whatever has one
            {forms[tag]: number for tag, number in written.tokens.items() if tag in forms},
        )


def each_moment(now: Moments, count: int) -> list[float]:
    """The time of each of some posts.

    Raises:
        ValueError: There are not as many times as posts, or one is no time.
    """
    if now is None:
        now = time.time()
    if isinstance(now, str) or not isinstance(now, Iterable):
        return [moment(now)] * count
    moments = [moment(time_of_one) for time_of_one in now]
    if len(moments) != count:
        raise ValueError(f"Got {len(moments)} times for {count} posts. Give one a post, or one for all.")
    return moments
