"""The pool: from every side the hashtags that a ranker is to order, and what is known of them.

It is filled with hashtags of many retrieved posts, of each retriever; with those that the selector finds nearest among
all of the corpus; with those that stand in the post; where time plays a part, with those in use at the moment. What the
generator writes joins them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from right_hf.corpus import Corpus
from right_hf.encoders import Matrix
from right_hf.generator.base import Generation
from right_hf.memo import CorpusMemo
from right_hf.popularity import Freshness, most_popular
from right_hf.ranker.association import Association, Associations
from right_hf.ranker.columns import Known, Seen
from right_hf.ranker.features import feature_tables
from right_hf.ranker.mentions import MentionFinder
from right_hf.ranker.records import FeatureTable, Pool
from right_hf.retriever.base import Hit, Retriever
from right_hf.retriever.fusion import reciprocal_ranks, summed_votes
from right_hf.selector.base import Selector
from right_hf.selector.ranking import Candidate
from right_hf.vocabulary import Vocabulary

#: Of the most promising hashtags, those beside which others are looked for.
_SEEDS = 5


@dataclass(frozen=True)
class PoolSettings:
    """What goes into the pool of a post.

    Attributes:
        depth: Hits of each retriever whose hashtags are pooled.
        nearest: Hashtags of the corpus that lie nearest to the post.
        size: Hashtags of the corpus that are ranked, the most promising ones.
        unknown: Phrases of the post that are ranked though the corpus has no such hashtag, the rarest ones.
        popular: Hashtags that are ranked because others have just used them. With 0 time plays no part.
        associated: Hashtags that are ranked because they are used beside those that the post brings up: those of the
            corpus that stand in it, and the most promising ones.
        scored: Hashtags that a generator tells its likelihoods of, the best by what the ranker says without it; None
            for all.
    """

    depth: int = 50
    nearest: int = 20
    size: int = 30
    unknown: int = 20
    popular: int = 0
    associated: int = 0
    scored: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "scored" and value is None:
                continue
            least = 0 if name in ("unknown", "popular", "associated") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")


class Wish(NamedTuple):
    """Which hashtags may come up for some posts.

    Attributes:
        wanted: Says of a hashtag whether it may.
        allowed: The hashtags that alone may, whether the corpus has them or not; None for all of the corpus.
        preferred: Those of which the nearest are ranked, whether the corpus has them or not.
    """

    wanted: Callable[[str], bool]
    allowed: Vocabulary | None = None
    preferred: Vocabulary | None = None


class Pooler:
    """Fills the pools of posts, and says what is known of the hashtags in them.

    Args:
        retriever: Whose corpus is looked at; it may change.
        selector: With the hashtags of the corpus prepared.
        settings: What goes into the pool.
        columns: The features that somebody looks at; None for all.

    Raises:
        TypeError: Time is to play a part, but the retriever's corpus cannot be followed.
    """

    def __init__(
        self,
        retriever: Retriever,
        selector: Selector,
        settings: PoolSettings,
        columns: Sequence[str] | None = None,
    ) -> None:
        self.retriever = retriever
        self.selector = selector
        self.settings = settings
        self.columns = columns
        self._mentions = MentionFinder(lambda word: bool(retriever.idf(word)))
        self._associations = Associations()
        self._holders = CorpusMemo[int]()
        self._freshness: Freshness | None = None
        if settings.popular:
            self._freshness = Freshness()
            self._freshness.follow(retriever)

    def pools(
        self,
        posts: Sequence[str],
        vectors: Matrix,
        found: Mapping[str, Sequence[Sequence[Hit]]],
        candidates: Sequence[Sequence[Candidate]],
        moments: Sequence[float],
        wish: Wish | None = None,
    ) -> list[Pool]:
        """The pool of each post.

        Args:
            posts: Cleaned posts.
            vectors: (len(posts), d), the posts as the selector embeds them.
            found: The hits of each retriever, see [`Retriever.search_parts`].
            candidates: The hashtags that the selector ranked.
            moments: The time of each post, in seconds since 1970.
            wish: Which hashtags may come up; None for all of the corpus and of the posts.
        """
        corpus = self.retriever.corpus
        wanted = _anything if wish is None else wish.wanted
        freshness = self._freshness
        hours = {now: freshness.in_hours(now) for now in set(moments)} if freshness is not None else {}
        popular = {now: most_popular(counts, self.settings.popular) for now, counts in hours.items()}
        nearest, preferred = self._nearest(vectors, corpus, wish), self._preferred(vectors, corpus, wish)
        rarity = lru_cache(maxsize=None)(lambda word: min(self.retriever.idf(word), default=math.inf))
        pools: list[Pool] = []
        for row, (post, now) in enumerate(zip(posts, moments, strict=True)):
            hits = {name: lists[row][: self.settings.depth] for name, lists in found.items()}
            mentions = self._mentions.find(post, corpus, lambda word: rarity(word) < math.inf)
            known = {tag: corpus.hashtag_count(tag) for tag in mentions.known if wanted(tag)}
            rankings = [
                *(list(filter(wanted, summed_votes(lists))) for lists in hits.values()),
                nearest[row],
                sorted(known, key=lambda tag: (-mentions.word_count(tag), known[tag], tag)),
                [candidate.hashtag for candidate in candidates[row]],
            ]
            scores = reciprocal_ranks(rankings)
            hashtags = sorted(scores, key=lambda tag: (-scores[tag], tag))[: self.settings.size]
            hashtags += islice(filter(wanted, mentions.unknown(rarity)), self.settings.unknown)
            associated = self._associated(known, hashtags[:_SEEDS], corpus, wanted)
            hashtags += [tag for tag in islice(associated, self.settings.associated) if tag not in hashtags]
            in_use = list(filter(wanted, popular.get(now, ())))
            hashtags += [tag for tag in dict.fromkeys([*in_use, *preferred[row]]) if tag not in hashtags]
            near = list(dict.fromkeys([*nearest[row], *preferred[row]]))
            pools.append(Pool(hashtags, hits, near, mentions, in_use, hours.get(now), associated))
        return pools

    def _associated(
        self, known: Iterable[str], promising: Iterable[str], corpus: Corpus, wanted: Callable[[str], bool]
    ) -> dict[str, Association]:
        """How hashtags go with those that a post brings up; nothing where they play no part."""
        if not self.settings.associated:
            return {}
        found = self._associations.of(dict.fromkeys([*known, *promising]), corpus)
        return {tag: one for tag, one in found.items() if wanted(tag)}

    def _nearest(self, vectors: Matrix, corpus: Corpus, wish: Wish | None) -> list[list[str]]:
        """The hashtags nearest to each post, of the corpus and the allowed ones."""
        count = self.settings.nearest
        if wish is None:
            return self.selector.nearest(vectors, count, lambda tag: corpus.hashtag_count(tag) > 0)
        listed = wish.allowed is not None

        def is_wanted(hashtag: str) -> bool:
            return (listed or corpus.hashtag_count(hashtag) > 0) and wish.wanted(hashtag)

        near = self.selector.nearest(vectors, count, is_wanted, allowed=wish.allowed)
        return [list(dict.fromkeys(map(corpus.form, tags))) for tags in near]

    def _preferred(self, vectors: Matrix, corpus: Corpus, wish: Wish | None) -> list[list[str]]:
        """Of the preferred hashtags those nearest to each post, which are ranked however many others there are."""
        if wish is None or wish.preferred is None:
            return [[] for _ in vectors]
        near = self.selector.nearest(vectors, self.settings.nearest, wish.wanted, allowed=wish.preferred)
        return [list(dict.fromkeys(map(corpus.form, tags))) for tags in near]

    def features(
        self,
        posts: Sequence[str],
        vectors: Matrix,
        candidates: Sequence[Sequence[Candidate]],
        pools: Sequence[Pool],
        generations: Sequence[Generation],
        moments: Sequence[float],
    ) -> list[FeatureTable]:
        """The features of all hashtags of each pool and all that were written; arguments as for [`pools`]."""
        hashtags = [
            list(dict.fromkeys([*pool.hashtags, *generation.hashtags]))
            for pool, generation in zip(pools, generations, strict=True)
        ]
        cosines = self.selector.cosines(vectors, hashtags)
        rows = zip(posts, hashtags, candidates, pools, generations, cosines, strict=True)
        freshness = self._freshness
        days = None if freshness is None else lambda hashtag, row: freshness.in_days(hashtag, moments[row])
        corpus, held = self.retriever.corpus, self.retriever.holders
        known = Known(corpus.hashtag_count, lambda tag: self._holders.of(corpus, tag, held), self.retriever.idf, days)
        return feature_tables([Seen(*row) for row in rows], known, self.columns)


def _anything(hashtag: str) -> bool:
    return True
