"""A post's way: retrieve, select, pool, generate, and gather the features that a ranker orders by."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import right_hf
from right_hf.checks import probability
from right_hf.deferred import Deferred, made
from right_hf.encoders import Matrix
from right_hf.generator.base import Generation, Generator, generate_allowed
from right_hf.preferences import Preferences
from right_hf.ranker.base import Ranker
from right_hf.ranker.features import LIKELIHOODS
from right_hf.ranker.pool import Pooler, PoolSettings, Wish
from right_hf.ranker.records import NO_GENERATION, Pool, Trace
from right_hf.retriever.base import Hit, Retriever
from right_hf.retriever.fusion import fused_hits
from right_hf.retriever.voices import one_voice_each
from right_hf.selector.base import Selector
from right_hf.selector.ranking import Candidate
from right_hf.settings import Settings
from right_hf.times import moment

#: The time of one post or of each, in seconds since 1970 or ISO 8601; None for the present.
Moments = float | str | Sequence[float | str] | None


class _Gathered(NamedTuple):
    """What the stages before the generator made of some posts, one entry a post.

    Attributes:
        posts: The cleaned posts.
        vectors: As the selector embeds them, (d,) each.
        hits: The retrieved posts.
        candidates: Their hashtags, ranked by the selector.
        pools: What a ranker is to order; None each where none asks for a pool.
        moments: The time of each post.
    """

    posts: Sequence[str]
    vectors: Matrix | Sequence[Matrix]
    hits: Sequence[list[Hit]]
    candidates: Sequence[list[Candidate]]
    pools: Sequence[Pool | None]
    moments: Sequence[float]

    def of(self, rows: Sequence[int]) -> _Gathered:
        """The same of some of the posts."""
        some: Any = ([column[row] for row in rows] for column in self)
        return _Gathered(*some)


class Stages:
    """Retriever, selector, generator and ranker, run one after the other.

    Args:
        config: How they work together.
        retriever: Finds similar posts.
        selector: Ranks their hashtags.
        generator: Writes the answer, and says how likely it finds what is to be ranked; None to go without.
        ranker: Scores the hashtags of each post; None for none.
        pool: What goes into a pool without a ranker, of all of whose features something is wanted.
        first: Says without the generator which hashtags of a pool it is to score, where not all; by default the ranker.
    """

    def __init__(
        self,
        config: right_hf.RightConfig | Settings,
        retriever: Retriever,
        selector: Selector,
        generator: Generator | Deferred[Generator] | None = None,
        ranker: Ranker | None = None,
        pool: PoolSettings | None = None,
        first: Ranker | None = None,
    ) -> None:
        self.config = config
        self.retriever = retriever
        self.selector = selector
        self._generator = generator
        self.ranker = ranker
        self.pool = pool if ranker is None else ranker.pool
        self._first = ranker if first is None else first
        features = None if ranker is None else ranker.features
        self.selector.prepare(retriever.corpus.hashtags)
        self._depth = config.hits if self.pool is None else max(config.hits, self.pool.depth)
        self._pooler = None if self.pool is None else Pooler(retriever, selector, self.pool, features)
        self._asks_likelihoods = features is None or not LIKELIHOODS.isdisjoint(features)

    def run(
        self,
        posts: Sequence[str],
        now: Moments = None,
        queries: Sequence[str] | None = None,
        preferences: Preferences | None = None,
        generate_when: float | None = None,
        **generation: Any,
    ) -> list[Trace]:
        """Lets posts go their way, as one batch.

        Args:
            posts: Cleaned, non-empty posts.
            now: The time for which hashtags are wanted.
            queries: What similar posts are searched with, where it is not the posts themselves.
            preferences: Which hashtags may come up at all; None for any.
            generate_when: The generator is asked for posts whose best score without it is at most this; None for what
                the configuration says.
            generation: Arguments of the generator's `generate`.

        Raises:
            ValueError: There are not as many times as posts; something is asked of a generator, and there is none;
                `generate_when` is between 0 and 1 and there is no ranker that scores hashtags without one, or it is 0
                and there are arguments for one.
        """
        wish = self._wish(preferences)
        gathered = self._gathered(posts, posts if queries is None else queries, each_moment(now, len(posts)), wish)
        when = self.config.generate_when if generate_when is None else probability(generate_when, "generate_when")
        if self._generator is None and (generation or generate_when):
            raise ValueError(
                "generate_when and arguments for a generator were given, and this model has none. Give it one "
                "(generator=…), or leave them out."
            )
        if when == 0 and generation:
            name, value = next(iter(generation.items()))
            raise ValueError(
                f"{name}={value!r:.80} is for the generator, of which this model asks nothing (generate_when=0). Leave "
                "it out, or ask the generator with generate_when=1."
            )
        if self._generator is None or when == 0:
            return self._traces(gathered, [NO_GENERATION] * len(posts))
        if when == 1:
            return self._traces(gathered, self._written(gathered, wish, generation))
        if self.ranker is None or self.pool is None:
            raise ValueError(
                f"generate_when={when} needs a ranker of a pool (type trees), whose scores say of which posts a "
                "generator is asked. Use 1 for all posts or 0 for none."
            )
        traces = self._traces(gathered, [NO_GENERATION] * len(posts))
        asked = [row for row, trace in enumerate(traces) if max((trace.scores or {}).values(), default=0.0) <= when]
        if asked:
            some = gathered.of(asked)
            found = self._traces(some, self._written(some, wish, generation, [traces[row] for row in asked]))
            for row, trace in zip(asked, found, strict=True):
                traces[row] = trace
        return traces

    def _gathered(
        self, posts: Sequence[str], queries: Sequence[str], moments: Sequence[float], wish: Wish | None
    ) -> _Gathered:
        """Retrieves, selects, and fills the pools."""
        parts = self.retriever.search_parts(queries, self._depth)
        found = {name: [one_voice_each(hits) for hits in lists] for name, lists in parts.items()}
        hits = fused_hits(found, self.config.hits)
        vectors = self.selector.embed(posts)  # (P, d)
        candidates = self.selector.rank(posts, hits, vectors)
        if wish is not None:
            candidates = [[found for found in ranked if wish.wanted(found.hashtag)] for ranked in candidates]
        pools: Sequence[Pool | None] = [None] * len(posts)
        if self._pooler is not None:
            pools = self._pooler.pools(posts, vectors, found, candidates, moments, wish)
        return _Gathered(posts, vectors, hits, candidates, pools, moments)

    def _written(
        self,
        gathered: _Gathered,
        wish: Wish | None,
        generation: Mapping[str, Any],
        before: Sequence[Trace] | None = None,
    ) -> list[Generation]:
        """What the generator writes of each post; `before` are the traces without it, where they are known."""
        config, generator = self.config, made(self._generator)
        assert generator is not None
        retrieved = [[candidate.hashtag for candidate in ranked] for ranked in gathered.candidates]
        contexts = [hashtags[: config.context_hashtags] for hashtags in retrieved]
        asked = self._scored(gathered, retrieved, before) if self._asks_likelihoods else None
        allowed = None if wish is None else wish.allowed
        written = generate_allowed(generator, gathered.posts, contexts, asked, allowed=allowed, **generation)
        return written if wish is None else [self._as_wished(found, wish) for found in written]

    def _scored(
        self, gathered: _Gathered, retrieved: Sequence[Sequence[str]], before: Sequence[Trace] | None
    ) -> list[Sequence[str]]:
        """The hashtags of each post that the generator tells its likelihoods of."""
        number, first = None if self.pool is None else self.pool.scored, self._first
        if number is not None and first is not None and not first.needs_generator:
            traces = before or self._traces(gathered, [NO_GENERATION] * len(gathered.posts))
            scores = [trace.scores or {} for trace in traces] if first is self.ranker else first.scores(traces)
            return [_best(found, number) for found in scores]
        return [
            hashtags[: self.config.pool_hashtags] if pool is None else list(pool.hashtags)
            for hashtags, pool in zip(retrieved, gathered.pools, strict=True)
        ]

    def _traces(self, gathered: _Gathered, generations: Sequence[Generation]) -> list[Trace]:
        """What came of each post, scored where there is a ranker."""
        posts, vectors, hits, candidates, pools, moments = gathered
        traces = [Trace(*row) for row in zip(posts, hits, candidates, generations, pools, strict=True)]
        if self._pooler is not None:
            filled = [pool for pool in pools if pool is not None]
            tables = self._pooler.features(posts, np.asarray(vectors), candidates, filled, generations, moments)
            traces = [trace._replace(features=table) for trace, table in zip(traces, tables, strict=True)]
        if self.ranker is not None:
            scores = self.ranker.scores(traces)
            traces = [trace._replace(scores=found) for trace, found in zip(traces, scores, strict=True)]
        return traces

    def _wish(self, preferences: Preferences | None) -> Wish | None:
        if preferences is None:
            return None
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


def _best(scores: Mapping[str, float], number: int) -> list[str]:
    """The hashtags with the highest scores."""
    return sorted(scores, key=lambda tag: (-scores[tag], tag))[:number]


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
