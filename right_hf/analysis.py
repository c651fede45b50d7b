"""Analysers: how a post becomes the terms that BM25 counts. Each has a name that is saved with the index."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Analyser = Callable[[str], list[str]]

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
#: Lucene's list for English.
_STOP_WORDS = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
        "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
        "will", "with",
    }
)  # fmt: skip
_CHINESE_RUN_OR_WORD = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[^\W_\u3400-\u4dbf\u4e00-\u9fff]+")
#: Parts of speech that the paper's retriever leaves out: punctuation, conjunctions, particles, adverbs, prepositions,
#: times, "de", numerals, locatives, pronouns.
_DROPPED_TAGS = frozenset({"x", "c", "u", "d", "p", "t", "uj", "m", "f", "r"})


def english_words(text: str) -> list[str]:
    """Lower-cased words without English stop words (paper, section 3.1: white-space words without stop words)."""
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def chinese_bigrams(text: str) -> list[str]:
    """Bigrams of Chinese characters (a lone character stays as it is) and whole words of other scripts."""
    terms: list[str] = []
    for run in _CHINESE_RUN_OR_WORD.findall(text.lower()):
        if len(run) < 2 or not "\u3400" <= run[0] <= "\u9fff":
            terms.append(run)
        else:
            terms.extend(run[i : i + 2] for i in range(len(run) - 1))
    return terms


@lru_cache(maxsize=1)
def _jieba_tagger() -> Any:
    try:
        import jieba
        import jieba.posseg
    except ImportError as error:
        raise ImportError("The analyser 'chinese-words' needs jieba: pip install right_hf[zh]") from error
    jieba.setLogLevel(logging.WARNING)
    return jieba.posseg.POSTokenizer()


def chinese_words(text: str) -> list[str]:
    """Words cut by jieba, without the parts of speech that the paper's retriever drops."""
    return [pair.word for pair in _jieba_tagger().cut(text.lower()) if pair.flag not in _DROPPED_TAGS]


ANALYSERS: dict[str, Analyser] = {"english": english_words, "chinese": chinese_bigrams, "chinese-words": chinese_words}


def get_analyser(name: str) -> Analyser:
    """Looks an analyser up by the name saved with an index.

    Raises:
        ValueError: There is no analyser of that name.
    """
    if name not in ANALYSERS:
        raise ValueError(f"Unknown analyser {name!r}. Known: {', '.join(ANALYSERS)}.")
    return ANALYSERS[name]
