"""Posts in a language that a corpus does not know: only their own words are suggested, and hardly believed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from right_hf.ranker.records import Recommendation, Trace
from right_hf.retriever.base import Retriever
from right_hf.retriever.index import inverse_document_frequency
from right_hf.text.hashtags import hashtag_key
from right_hf.text.words import IS_UNSPACED

#: A corpus of fewer posts lacks many words of its own language.
_LEAST_POSTS = 5_000
#: A term is strange that no more posts hold, for names and foreign words stray into any corpus.
_STRAY = 2
#: A post is foreign of which at least this share of its terms is strange, where it has so many of them.
_SHARE, _LEAST_TERMS = 0.6, 5
#: Where signs stand without spaces, terms are pairs of them, of which many are new in any post.
_SHARE_UNSPACED = 0.9
#: What is left of a score, which says how it is with posts that the ranker knows.
_BELIEVED = 0.1

logger = logging.getLogger(__name__)


def is_foreign(text: str, retriever: Retriever) -> bool:
    """Whether a cleaned post is in a language that a retriever's corpus does not know, as far as its terms tell.

    Never where a corpus is small, or searched by something else than terms.
    """
    posts = len(retriever.corpus)
    if posts < _LEAST_POSTS:
        return False
    known = float(inverse_document_frequency(posts, _STRAY + 1))
    terms = retriever.idf(text)
    strange = sum(idf > known for idf in terms)
    if IS_UNSPACED.search(text):
        return strange >= _SHARE_UNSPACED * max(1, len(terms))
    return len(terms) >= _LEAST_TERMS and strange >= _SHARE * len(terms)


def own_words(found: Sequence[Recommendation], trace: Trace) -> list[Recommendation]:
    """The hashtags that stand in a foreign post, with a tenth of their scores."""
    key = hashtag_key(trace.post)
    mentions = None if trace.pool is None else trace.pool.mentions
    own = [
        one for one in found if (one.hashtag in mentions if mentions is not None else hashtag_key(one.hashtag) in key)
    ]
    return [replace(one, score=round(_BELIEVED * one.score, 4)) for one in own]


@lru_cache(maxsize=1)
def warn_of_foreign(language: str) -> None:
    """Says once that there are posts in another language than the checkpoint's."""
    logger.warning(
        "A post seems to be in another language than the checkpoint's (%s), so only hashtags that stand in it are "
        "suggested, with low scores (threshold=0 shows them all). Give a checkpoint of its language, or a retriever of "
        "posts in it. This is said once.",
        language,
    )
