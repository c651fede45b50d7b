"""Analysers: how a post becomes the terms that BM25 counts. Each has a name that is saved with the index.

All compare texts in the folded form ([`right_hf.text.characters.folded`]), and know languages of code by name.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import regex

from right_hf.text.characters import folded
from right_hf.text.hashtags import named
from right_hf.text.words import SIGN, WORD_OR_RUN, stretches

Analyser = Callable[[str], list[str]]

_ASCII_RUN = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*+(?:['\u2019][\p{L}\p{M}\p{N}]+)?")
#: Lucene's list for English.
_STOP_WORDS = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
        "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
        "will", "with",
    }
)  # fmt: skip
_CHINESE_RUN_OR_WORD = regex.compile(r"\p{Han}+|(?!\p{Han})[\p{L}\p{N}](?:(?!\p{Han})[\p{L}\p{M}\p{N}])*+")
_HAN = regex.compile(r"\p{Han}")
#: Parts of speech that the paper's retriever leaves out: punctuation, conjunctions, particles, adverbs, prepositions,
#: times, "de", numerals, locatives, pronouns.
_DROPPED_TAGS = frozenset({"x", "c", "u", "d", "p", "t", "uj", "m", "f", "r"})


def _compared(text: str) -> str:
    return named(folded(text))


def english_words(text: str) -> list[str]:
    """Words without English stop words (paper, section 3.1: white-space words without stop words)."""
    text = _compared(text)
    return [word for word in (_ASCII_WORD if text.isascii() else _WORD).findall(text) if word not in _STOP_WORDS]


def chinese_bigrams(text: str) -> list[str]:
    """Bigrams of Chinese characters (a lone character stays as it is) and whole words of other scripts."""
    text = _compared(text)
    if text.isascii():
        return _ASCII_RUN.findall(text)
    terms: list[str] = []
    for run in _CHINESE_RUN_OR_WORD.findall(text):
        if len(run) < 2 or not _HAN.match(run):
            terms.append(run)
        else:
            terms.extend(run[i : i + 2] for i in range(len(run) - 1))
    return terms


def unicode_words(text: str) -> list[str]:
    """Words of any language; of scripts without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) pairs of signs.

    A sign has its marks with it, a lone one stays as it is. English stop words are left out, as so many posts of
    other languages hold English; most of them are function words elsewhere, too.
    """
    text = _compared(text)
    terms: list[str] = []
    for start, end, plain in stretches(text):
        if plain:
            terms.extend(word for word in _ASCII_WORD.findall(text, start, end) if word not in _STOP_WORDS)
        else:
            terms.extend(_words_and_pairs(text[start:end]))
    return terms


def _words_and_pairs(text: str) -> Iterator[str]:
    for match in WORD_OR_RUN.finditer(text):
        if match["unspaced"] is None:
            if match.group() not in _STOP_WORDS:
                yield match.group()
            continue
        signs = SIGN.findall(match.group())
        yield from ("".join(signs[i : i + 2]) for i in range(max(1, len(signs) - 1)))


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
    return [pair.word for pair in _jieba_tagger().cut(_compared(text)) if pair.flag not in _DROPPED_TAGS]


ANALYSERS: dict[str, Analyser] = {
    "unicode": unicode_words,
    "english": english_words,
    "chinese": chinese_bigrams,
    "chinese-words": chinese_words,
}
#: Between the name of an analyser and that of a language whose stems take the place of words: `unicode+spanish`.
_STEMMED = "+"


def register_analyser(name: str, analyser: Analyser) -> Analyser:
    """Makes a function from texts to terms known under a name, which indexes are saved with.

    Whoever loads such an index must register it first. It must be a function of the text alone.

    Raises:
        TypeError: It is no function, or the name no string.
        ValueError: Another one has the name, or the name holds a `+`.
    """
    if not callable(analyser) or not isinstance(name, str):
        raise TypeError(f"An analyser is a name and a function from a text to its terms, got {name!r}, {analyser!r}.")
    if _STEMMED in name or ANALYSERS.setdefault(name, analyser) is not analyser:
        raise ValueError(f"The name {name!r} is taken, or holds a {_STEMMED!r}. Choose another one.")
    return analyser


def get_analyser(name: str) -> Analyser:
    """Looks an analyser up by the name saved with an index.

    Args:
        name: One of [`ANALYSERS`]; with `+` and a language, such as `unicode+spanish`, words are stemmed by Snowball.

    Raises:
        ValueError: There is no analyser or stemmer of that name.
        ImportError: Stems are asked for, and PyStemmer is not installed.
    """
    plain, _, language = name.partition(_STEMMED)
    if plain not in ANALYSERS:
        raise ValueError(
            f"Unknown analyser {name!r}. Known: {', '.join(ANALYSERS)}; one of your own must be registered first "
            "(right_hf.register_analyser)."
        )
    return Stemming(plain, language) if _STEMMED in name else ANALYSERS[plain]


class Stemming:
    """An analyser whose words are replaced by their stems (Snowball, Porter 2001).

    Args:
        name: Of the analyser.
        language: Of the stemmer, in English: "english", "spanish", "arabic" …

    Raises:
        ValueError: There is no stemmer for the language.
        ImportError: PyStemmer is not installed.
    """

    def __init__(self, name: str, language: str) -> None:
        try:
            import Stemmer
        except ImportError as error:
            raise ImportError(
                f"The analyser '{name}{_STEMMED}{language}' needs PyStemmer: pip install 'right_hf[stem]'"
            ) from error
        if language not in Stemmer.algorithms():
            raise ValueError(f"There is no stemmer for {language!r}. Known: {', '.join(Stemmer.algorithms())}.")
        self.name, self.language = name, language
        self._stemmer = Stemmer.Stemmer(language)

    def __call__(self, text: str) -> list[str]:
        """The stems of a text's terms."""
        stems: list[str] = self._stemmer.stemWords(ANALYSERS[self.name](text))
        return stems

    def __reduce__(self) -> tuple[type[Stemming], tuple[str, str]]:
        return type(self), (self.name, self.language)
