"""Clues: what a ranker looks at besides the paper's stages, gathered before and after the generator.

The pool is filled from every side: hashtags of many retrieved posts, of each retriever; those that the selector finds
nearest among all of the corpus; those that stand in the post; where time plays a part, those in use at the moment; and,
later, those that the generator writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from right_hf.encoders import Matrix
from right_hf.ranker.freshness import Freshness, most_popular
from right_hf.ranker.mentions import MentionFinder
from right_hf.ranker.records import Clues, Facts
from right_hf.generator import Generation
from right_hf.retriever import BM25Retriever, Hit, Retriever, parts_of, reciprocal_ranks, summed_votes
from right_hf.selector import BiEncoderSelector, Candidate


@dataclass(frozen=True)
class PoolSettings:
    """What goes into the pool of a post.

    Attributes:
        depth: Hits of each retriever whose hashtags are pooled.
        nearest: Hashtags of the corpus that lie nearest to the post.
        size: Hashtags of the corpus that are ranked, the most promising ones.
        unknown: Phrases of the post that are ranked though the corpus has no such hashtag, the rarest ones.
        popular: Hashtags that are ranked because others have just used them. With 0 time plays no part.
    """

    depth: int = 50
    nearest: int = 20
    size: int = 30
    unknown: int = 20
    popular: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name in ("unknown", "popular") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")


class ClueFinder:
    """Gathers the clues of posts from retriever and selector.

    Args:
        retriever: Whose corpus is looked at; it may change.
        selector: With the hashtags of the corpus prepared.
        settings: What goes into the pool.

    Raises:
        TypeError: Time is to play a part, but the retriever's corpus cannot be followed.
    """

    def __init__(self, retriever: Retriever, selector: BiEncoderSelector, settings: PoolSettings) -> None:
        self.retriever = retriever
        self.selector = selector
        self.settings = settings
        #: Knows how rare words are; None for a retriever without terms.
        self._terms = next((part for part in parts_of(retriever).values() if isinstance(part, BM25Retriever)), None)
        self._mentions = MentionFinder(lambda word: self._rarities(word) != ())
        self._freshness: Freshness | None = None
        if settings.popular:
            if not isinstance(retriever, BM25Retriever):
                raise TypeError(
                    "Popular hashtags are those of a corpus that may change, which that of a "
                    f"{type(retriever).__name__} may not. Use a BM25Retriever, or a ranker without `popular`."
                )
            self._freshness = Freshness()
            retriever.follow(self._freshness.change)

    def before(
        self,
        posts: Sequence[str],
        vectors: Matrix,
        found: Mapping[str, Sequence[Sequence[Hit]]],
        candidates: Sequence[Sequence[Candidate]],
        now: float,
    ) -> list[Clues]:
        """The clues of each post but for the facts, before the generator runs.

        Args:
            posts: Cleaned posts.
            vectors: (len(posts), d), the posts as the selector embeds them.
            found: The hits of each retriever, see [`right_hf.retriever.search_each`].
            candidates: The hashtags that the selector ranked.
            now: The time, in seconds since 1970.
        """
        popular = most_popular(self._in_hours(now), self.settings.popular)
        corpus = self.retriever.corpus
        nearest = self.selector.nearest(vectors, self.settings.nearest, lambda tag: corpus.hashtag_count(tag) > 0)
        clues: list[Clues] = []
        for row, post in enumerate(posts):
            hits = {name: lists[row][: self.settings.depth] for name, lists in found.items()}
            mentions = self._mentions.find(post, corpus)
            known = {tag: count for tag in mentions if (count := corpus.hashtag_count(tag))}
            rankings = [
                *(summed_votes(lists) for lists in hits.values()),
                nearest[row],
                sorted(known, key=lambda tag: (-mentions[tag].words, known[tag], tag)),
                [candidate.hashtag for candidate in candidates[row]],
            ]
            scores = reciprocal_ranks(rankings)
            pool = sorted(scores, key=lambda tag: (-scores[tag], tag))[: self.settings.size]
            unknown = sorted((-min(self._rarities(tag)), tag) for tag in mentions if tag not in known)
            pool += [tag for _, tag in unknown[: self.settings.unknown]]
            pool += [tag for tag in popular if tag not in pool]
            clues.append(Clues(hits, nearest[row], mentions, pool, {}, popular))
        return clues

    def after(
        self, vectors: Matrix, clues: Sequence[Clues], generations: Sequence[Generation], now: float
    ) -> list[Clues]:
        """The same clues with the facts of all hashtags of the pool and all that were written."""
        hashtags = [
            list(dict.fromkeys([*clue.pool, *generation.hashtags]))
            for clue, generation in zip(clues, generations, strict=True)
        ]
        corpus, hours = self.retriever.corpus, self._in_hours(now)

        def popularity(tag: str) -> tuple[float, float] | None:
            freshness = self._freshness
            return (hours.get(tag, 0.0), freshness.in_days(tag, now)) if freshness is not None else None

        return [
            clue._replace(
                facts={
                    tag: Facts(cosine, corpus.hashtag_count(tag), self._rarities(tag), popularity(tag))
                    for tag, cosine in zip(tags, cosines, strict=True)
                }
            )
            for clue, tags, cosines in zip(clues, hashtags, self.selector.cosines(vectors, hashtags), strict=True)
        ]

    def _in_hours(self, now: float) -> dict[str, float]:
        return self._freshness.in_hours(now) if self._freshness is not None else {}

    def _rarities(self, text: str) -> tuple[float, ...]:
        return tuple(self._terms.rarities(text)) if self._terms is not None else ()
