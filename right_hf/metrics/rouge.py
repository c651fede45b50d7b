"""ROUGE-1, ROUGE-2 and ROUGE-L of the hashtag sequence, in the two definitions in common use.

The hashtags of a post are joined by a space and compared with the gold ones as if they were a summary. The definitions
give different numbers, so a result must name its own:

- ``rouge`` is the one of the Python package of that name, in which the paper's numbers are: words are split at white
  space and keep their case, full stops end sentences, repeated n-grams count once, and ROUGE-L takes the union of the
  longest common subsequences of all pairs of sentences. That package counts here (0.8 s for 13,608 posts); F is taken
  of its counts, without the 1e-8 that it adds to the denominator.
- ``rouge_score`` is Google's, without stemming: lower case; words are runs of ASCII letters and digits; repeated
  n-grams count up to the smaller number of occurrences, and ROUGE-L takes one longest common subsequence. Google's
  package has no tokens for Chinese and takes 1.8 s to import, with nltk and absl; what is needed of it is short.

Chinese is split into characters in both; white space is never a token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from rouge import Rouge

from right_hf.metrics.base import HashtagLists, HashtagMetric, PerPost, check_same_posts, f_measure

Language = Literal["en", "zh"]
Definition = Literal["rouge", "rouge_score"]

EMPTY_PREDICTION = "None"
"""The hashtag that stands for an empty prediction in the paper's evaluation."""

_PACKAGE = Rouge(raw_results=True)
_ASCII_WORD = re.compile(r"[a-z0-9]+")


class RougeScores(NamedTuple):
    """F of ROUGE-1, ROUGE-2 and ROUGE-L, each in [0, 1]."""

    rouge1: float
    rouge2: float
    rougeL: float  # noqa: N815 - the name every ROUGE implementation reports


def _package_rouge(predicted: str, gold: str) -> RougeScores:
    """Definition ``rouge``; the package refuses a text without sentences, which has nothing in common with another."""
    if not predicted.strip(".") or not gold.strip("."):
        return RougeScores(0.0, 0.0, 0.0)
    [counts] = _PACKAGE.get_scores(predicted, gold)
    return RougeScores(*(f_measure(each["overlap"], each["hyp"], each["ref"]) for each in counts.values()))


def _google_rouge(predicted: str, gold: str, language: Language) -> RougeScores:
    """Definition ``rouge_score``, for Chinese with all characters as tokens."""
    split = str.split if language == "zh" else _ASCII_WORD.findall
    tokens, gold_tokens = split(predicted.lower()), split(gold.lower())

    def clipped(n: int) -> float:
        sides = ([side[start:] for start in range(n)] for side in (tokens, gold_tokens))
        ngrams, gold_ngrams = (Counter(zip(*shifted, strict=False)) for shifted in sides)
        return f_measure((ngrams & gold_ngrams).total(), ngrams.total(), gold_ngrams.total())

    common = _common_length(tokens, gold_tokens)
    return RougeScores(clipped(1), clipped(2), f_measure(common, len(tokens), len(gold_tokens)))


def _common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of a longest common subsequence, in O(len(first) x len(second))."""
    above = [0] * (len(second) + 1)  # [j]: of the result for what was seen of `first`, and second[:j]
    for token in first:
        row = [0]
        for j, other in enumerate(second):
            row.append(above[j] + 1 if token == other else max(above[j + 1], row[j]))
        above = row
    return above[-1]


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
    for name, value, known in (("language", language, Language), ("definition", definition, Definition)):
        if value not in get_args(known):
            raise ValueError(f"Got {name} = {value!r}; expected one of {', '.join(map(repr, get_args(known)))}.")
    text, gold_text = " ".join(predicted or [EMPTY_PREDICTION]), " ".join(gold)
    if language == "zh":
        text, gold_text = " ".join(text), " ".join(gold_text)
    return _package_rouge(text, gold_text) if definition == "rouge" else _google_rouge(text, gold_text, language)


def rouge_per_post(
    predictions: HashtagLists, references: HashtagLists, language: Language = "en", definition: Definition = "rouge"
) -> dict[str, PerPost]:
    """ROUGE-1, ROUGE-2 and ROUGE-L of each post under the names of `RougeScores`; the denominators are 1.

    Raises:
        ValueError: if the numbers of predictions and references differ or are zero, or an option is unknown.
    """
    check_same_posts(predictions, references)
    pairs = zip(predictions, references, strict=True)
    scores = np.array([rouge_of_post(*pair, language, definition) for pair in pairs])  # (n, 3)
    return {name: PerPost(scores[:, i], np.ones(len(scores))) for i, name in enumerate(RougeScores._fields)}


def mean_rouge(
    predictions: HashtagLists, references: HashtagLists, language: Language = "en", definition: Definition = "rouge"
) -> RougeScores:
    """The mean of `rouge_of_post` over the posts; arguments and errors as for `rouge_per_post`."""
    parts = rouge_per_post(predictions, references, language, definition)
    return RougeScores(*(part.score() for part in parts.values()))


class HashtagRouge(HashtagMetric):
    """ROUGE of the hashtag sequence as an `evaluate` metric; needs no network and no cache.

    >>> HashtagRouge().compute(predictions=[["cat", "dog"]], references=[["cat", "dog"]], language="en")
    {'rouge1': 1.0, 'rouge2': 1.0, 'rougeL': 1.0}
    """

    what = "ROUGE-1, ROUGE-2 and ROUGE-L F of the recommended hashtags joined by a space."
    inputs = """\
Hashtag ROUGE: predictions and references hold one list of hashtags per post, best first; language is 'en' (words,
default) or 'zh' (characters); definition is 'rouge' (the paper's, default) or 'rouge_score' (Google's).
Result: rouge1, rouge2 and rougeL in [0, 1], averaged over the posts."""

    def _compute(self, predictions: HashtagLists, references: HashtagLists, **options: Any) -> dict[str, float]:
        return mean_rouge(predictions, references, **options)._asdict()
