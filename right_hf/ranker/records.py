"""What the stages make of a post, one record a stage, and what comes out in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.generator.base import Generation
from right_hf.ranker.association import Association
from right_hf.retriever.base import Hit
from right_hf.selector.ranking import Candidate

Source = Literal["retrieved", "generated", "both", "post", "popular", "listed"]
#: Stands in the trace of a model without a generator.
NO_GENERATION = Generation([], {})


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


class Pool(NamedTuple):
    """The hashtags that a ranker is to order, and where they came from; see [`right_hf.ranker.pool`].

    Attributes:
        hashtags: The hashtags, without those that only the generator will write; most promising first.
        hits: The hits of each retriever, by its name, most similar first; more than the selector looks at.
        nearest: Hashtags of the whole corpus that the selector finds most similar, best first.
        mentions: What of the post may be a hashtag, whether the corpus has it or not.
        popular: Hashtags that are in use at this moment, most used first; none where time plays no part.
        hours: The uses of hashtags at this moment, each by its age in hours; None where time plays no part.
        associated: Hashtags that are used beside those that the post brings up, see [`right_hf.ranker.association`];
            None where none are looked for.
    """

    hashtags: Sequence[str]
    hits: Mapping[str, Sequence[Hit]]
    nearest: Sequence[str]
    mentions: Mapping[str, Mention]
    popular: Sequence[str] = ()
    hours: Mapping[str, float] | None = None
    associated: Mapping[str, Association] | None = None


class FeatureTable(NamedTuple):
    """The features of every hashtag in the pool of one post, those that the generator wrote included.

    Attributes:
        hashtags: The hashtags.
        values: (len(hashtags), len(names)) their features, NaN where a source says nothing.
        names: The columns, see [`right_hf.ranker.features`].
    """

    hashtags: list[str]
    values: npt.NDArray[np.float32]
    names: tuple[str, ...]


class Trace(NamedTuple):
    """What each stage made of one post.

    Attributes:
        post: The cleaned post.
        hits: The retrieved posts, most similar first.
        candidates: Their hashtags, ranked by the selector.
        generation: What the generator wrote, and how likely it finds the hashtags of the pool; empty without one.
        pool: The hashtags to rank; None where no ranker asks for them.
        features: Their features; None likewise.
        scores: What the ranker says of them; None without one.
    """

    post: str
    hits: list[Hit]
    candidates: list[Candidate]
    generation: Generation
    pool: Pool | None = None
    features: FeatureTable | None = None
    scores: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A recommended hashtag.

    Attributes:
        hashtag: The hashtag in the style asked for, without hash sign.
        score: How likely it is one the author would use, in [0, 1].
        source: Whether it was retrieved, generated or both; else "post" if it stands in the post,
            "popular" if others have just used it, and "listed" if it only is among the allowed or preferred ones.
        evidence: Ids of posts that carry it, the retrieved ones first, most similar first.
        present: Whether the author has marked it as a hashtag in the post.
        posted: As it is posted, with its hash sign, on Weibo two; where words were asked for as people spell them.
    """

    hashtag: str
    score: float
    source: Source
    evidence: list[str]
    present: bool = False
    posted: str = ""
