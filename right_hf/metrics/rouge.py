"""ROUGE-1, ROUGE-2 and ROUGE-L of the hashtag sequence, in the two definitions in common use.

The hashtags of a post are joined by a space and compared with the gold ones as if they were a summary. The definitions
give different numbers, so a result must name its own:

- ``rouge`` is the one of the Python package of that name, in which the paper's numbers are: words are split at white
  space and keep their case, full stops end sentences, repeated n-grams count once, and ROUGE-L takes the union of the
  longest common subsequences of all pairs of sentences.
- ``rouge_score`` is Google's, without stemming: lower case; words are runs of ASCII letters and digits; repeated
  n-grams count up to the smaller number of occurrences, and ROUGE-L takes one longest common subsequence.

Chinese is split into characters in both; white space is never a token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Literal, NamedTuple, get_args

import evaluate
import numpy as np

from right_hf.metrics.base import HashtagLists, HashtagMetric, check_same_posts, f_measure, metric_info
from right_hf.metrics.per_post import PerPost

Language = Literal["en", "zh"]
Definition = Literal["rouge", "rouge_score"]

EMPTY_PREDICTION = "None"
"""The hashtag that stands for an empty prediction in the paper's evaluation."""

_ASCII_WORD = re.compile(r"[a-z0-9]+")


class RougeScores(NamedTuple):
    """F of ROUGE-1, ROUGE-2 and ROUGE-L, each in [0, 1]."""

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815 - the name every ROUGE implementation reports


def count_ngrams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """Count the n-grams of a token sequence; empty if it is shorter than `n`."""
    return Counter(zip(*(tokens[start:] for start in range(n)), strict=False))


def rouge_n_distinct(predicted: Sequence[str], gold: Sequence[str], n: int) -> float:
    """ROUGE-N F on the sets of n-grams (definition ``rouge``)."""
    predicted_ngrams, gold_ngrams = count_ngrams(predicted, n).keys(), count_ngrams(gold, n).keys()
    return f_measure(len(predicted_ngrams & gold_ngrams), len(predicted_ngrams), len(gold_ngrams))


def rouge_n_clipped(predicted: Sequence[str], gold: Sequence[str], n: int) -> float:
    """ROUGE-N F where an n-gram matches as often as it occurs on both sides (definition ``rouge_score``)."""
    predicted_ngrams, gold_ngrams = count_ngrams(predicted, n), count_ngrams(gold, n)
    return f_measure((predicted_ngrams & gold_ngrams).total(), predicted_ngrams.total(), gold_ngrams.total())


def longest_common_subsequence(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Find one longest common subsequence, in O(len(first) x len(second)).

    Of several, it is the one met when walking back from both ends, taking every match, and dropping the last token of
    `second` unless only dropping that of `first` keeps the length. The definition ``rouge`` depends on this choice: it
    counts distinct tokens, of which subsequences of the same length may hold different numbers.
    """
    if set(first).isdisjoint(second):
        return []
    lengths = [[0] * (len(second) + 1)]  # lengths[i][j]: of the result for first[:i] and second[:j]
    for token in first:
        above, row = lengths[-1], [0]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if token == other else max(above[j + 1], row[j]))
        lengths.append(row)

    subsequence: list[str] = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            subsequence.append(first[i])
        elif lengths[i - 1][j] > lengths[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return subsequence[::-1]


def rouge_l_union(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> float:
    """ROUGE-L F on distinct words (definition ``rouge``).

    The overlap is the number of distinct words in the union, over all pairs of a gold and a predicted sentence, of
    their longest common subsequences.

    Args:
        predicted: sentences, each a sequence of words.
        gold: sentences, each a sequence of words.
    """
    union = {word for g in gold for p in predicted for word in longest_common_subsequence(g, p)}
    return f_measure(len(union), len(set().union(*predicted)), len(set().union(*gold)))


def rouge_l_sequence(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """ROUGE-L F on the length of the longest common subsequence (definition ``rouge_score``)."""
    return f_measure(len(longest_common_subsequence(gold, predicted)), len(predicted), len(gold))


def hashtag_text(hashtags: Sequence[str], language: Language) -> str:
    """Join the hashtags of a post by a space; in Chinese, put one between all characters."""
    text = " ".join(hashtags)
    return " ".join(text) if language == "zh" else text


def sentences_of(text: str) -> list[list[str]]:
    """Split a text at full stops into sentences and these at white space into words (definition ``rouge``).

    Nothing between two full stops is no sentence, but white space alone is one of a single empty word: a peculiarity
    of the package that is part of the definition, since it changes scores.
    """
    return [sentence.split() or [""] for sentence in text.split(".") if sentence]


def google_tokens(text: str, language: Language) -> list[str]:
    """Split a text into tokens (definition ``rouge_score``), in Chinese into all characters, as Google's has none."""
    return text.lower().split() if language == "zh" else _ASCII_WORD.findall(text.lower())


def rouge_of_post(
    predicted: Sequence[str], gold: Sequence[str], language: Language = "en", definition: Definition = "rouge"
) -> RougeScores:
    """Compute ROUGE-1, ROUGE-2 and ROUGE-L F of one post.

    Args:
        predicted: hashtags, best first; none at all counts as the one hashtag "None", as in the paper's evaluation.
        gold: gold hashtags in their order.
        language: "en" compares words, "zh" characters.
        definition: "rouge" or "rouge_score", see the module's description.

    Returns:
        Three scores in [0, 1]; zeros where a side has no tokens.

    Raises:
        ValueError: if `language` or `definition` is unknown.
    """
    for name, value, known in (
        ("language", language, get_args(Language)),
        ("definition", definition, get_args(Definition)),
    ):
        if value not in known:
            raise ValueError(f"Got {name} = {value!r}; expected one of {', '.join(map(repr, known))}.")

    predicted_text = hashtag_text(predicted or [EMPTY_PREDICTION], language)
    gold_text = hashtag_text(gold, language)
    if definition == "rouge_score":
        tokens, gold_tokens = google_tokens(predicted_text, language), google_tokens(gold_text, language)
        return RougeScores(
            rouge_n_clipped(tokens, gold_tokens, 1),
            rouge_n_clipped(tokens, gold_tokens, 2),
            rouge_l_sequence(tokens, gold_tokens),
        )
    sentences, gold_sentences = sentences_of(predicted_text), sentences_of(gold_text)
    words, gold_words = list(chain(*sentences)), list(chain(*gold_sentences))
    return RougeScores(
        rouge_n_distinct(words, gold_words, 1),
        rouge_n_distinct(words, gold_words, 2),
        rouge_l_union(sentences, gold_sentences),
    )


def rouge_per_post(
    predictions: HashtagLists, references: HashtagLists, language: Language = "en", definition: Definition = "rouge"
) -> dict[str, PerPost]:
    """ROUGE-1, ROUGE-2 and ROUGE-L of each post under the names of `RougeScores`; the denominators are 1.

    Raises:
        ValueError: if the numbers of predictions and references differ or are zero, or an option is unknown.
    """
    check_same_posts(predictions, references)
    scores = np.array(
        [
            rouge_of_post(predicted, gold, language, definition)
            for predicted, gold in zip(predictions, references, strict=True)
        ]
    )  # (n, 3)
    return {name: PerPost(scores[:, i], np.ones(len(scores))) for i, name in enumerate(RougeScores._fields)}


def mean_rouge(
    predictions: HashtagLists, references: HashtagLists, language: Language = "en", definition: Definition = "rouge"
) -> RougeScores:
    """Average `rouge_of_post` over the posts.

    Args:
        predictions: one list of hashtags per post, best first.
        references: the gold hashtags of the same posts.
        language: "en" compares words, "zh" characters.
        definition: "rouge" or "rouge_score", see the module's description.

    Returns:
        The mean of each score, in [0, 1].

    Raises:
        ValueError: if the numbers of predictions and references differ or are zero, or an option is unknown.
    """
    parts = rouge_per_post(predictions, references, language, definition)
    return RougeScores(*(part.score() for part in parts.values()))


class HashtagRouge(HashtagMetric):
    """ROUGE of the hashtag sequence as an `evaluate` metric; needs no network and no cache.

    >>> HashtagRouge().compute(predictions=[["cat", "dog"]], references=[["cat", "dog"]], language="en")
    {'rouge1': 1.0, 'rouge2': 1.0, 'rougeL': 1.0}
    """

    def _info(self) -> evaluate.MetricInfo:
        return metric_info(
            description="ROUGE-1, ROUGE-2 and ROUGE-L F of the recommended hashtags joined by a space.",
            inputs_description=(
                "\nHashtag ROUGE: predictions and references hold one list of hashtags per post, best first;"
                " language is 'en' (words, default) or 'zh' (characters); definition is 'rouge' (the paper's, default)"
                " or 'rouge_score' (Google's)."
                "\nResult: rouge1, rouge2 and rougeL in [0, 1], averaged over the posts."
            ),
        )

    def _compute(
        self,
        predictions: HashtagLists,
        references: HashtagLists,
        language: Language = "en",
        definition: Definition = "rouge",
    ) -> dict[str, float]:
        return mean_rouge(predictions, references, language, definition)._asdict()
