"""What the stages make of a post, and what comes out in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from right_hf.generator import Generation
from right_hf.retriever import Hit
from right_hf.selector import Candidate

Source = Literal["retrieved", "generated", "both", "post", "popular"]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended hashtag.

    Attributes:
        hashtag: The hashtag, normalised.
        score: How likely it is one the author would use, in [0, 1].
        source: Whether it was retrieved, generated or both; else "post" if it stands in the post,
            and "popular" if others have just used it.
        evidence: Ids of the retrieved posts that carry it, most similar first.
    """

    hashtag: str
    score: float
    source: Source
    evidence: list[str]


class Mention(NamedTuple):
    """Where a hashtag stands in a post.

    Attributes:
        position: Where it begins, as a share of the post, in [0, 1).
        words: Words of the post that it takes.
        capitalised: Share of these that begin with a capital.
        capitals: Share of these that are written in capitals.
        ends: Whether no word comes after it.
    """

    position: float
    words: int
    capitalised: float
    capitals: float
    ends: bool


class Facts(NamedTuple):
    """What corpus and selector know of a hashtag.

    Attributes:
        similarity: The selector's similarity between post and hashtag, in [-1, 1].
        carriers: Posts of the corpus that carry it.
        rarities: Inverse document frequencies of its words; empty where they are not known, or all are stop words.
        popularity: Its uses at this moment, each by its age in hours and in days (see [`right_hf.ranker.Freshness`]);
            None where time plays no part.
    """

    similarity: float
    carriers: int
    rarities: tuple[float, ...]
    popularity: tuple[float, float] | None = None


class Clues(NamedTuple):
    """What a ranker looks at besides the stages of the paper, see [`right_hf.ranker.pool`].

    Attributes:
        found: The hits of each retriever, by its type, most similar first; more than the stages look at.
        nearest: Hashtags of the whole corpus that the selector finds most similar, best first.
        mentions: What of the post may be a hashtag, whether the corpus has it or not.
        pool: The hashtags to rank, without those that only the generator has; most promising first.
        facts: Of the hashtags of the pool and of the written ones.
        popular: Hashtags that are in use at this moment, most used first; none where time plays no part.
    """

    found: Mapping[str, Sequence[Hit]]
    nearest: Sequence[str]
    mentions: Mapping[str, Mention]
    pool: Sequence[str]
    facts: Mapping[str, Facts]
    popular: Sequence[str] = ()


class Trace(NamedTuple):
    """What each stage made of one post.

    Attributes:
        post: The cleaned post.
        hits: The retrieved posts, most similar first.
        candidates: Their hashtags, ranked by the selector.
        generation: What the generator wrote, and how likely it finds the best candidates.
        clues: What a ranker looks at besides; None where there is none.
    """

    post: str
    hits: list[Hit]
    candidates: list[Candidate]
    generation: Generation
    clues: Clues | None = None


class Scorer(Protocol):
    """Says how likely each hashtag of a post's pool is one that its author would use."""

    def scores(self, trace: Trace) -> dict[str, float]:
        """The hashtags of the pool, each with a score in [0, 1]."""
        ...
