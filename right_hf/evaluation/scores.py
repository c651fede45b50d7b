"""What a system says about a post, the scores of its answers, and these as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from right_hf.metrics import PerPost, f1_per_post, rouge_per_post
from right_hf.metrics.rouge import Definition, Language
from right_hf.posts import Post

#: What a metric's name begins with in each ROUGE definition (see [`right_hf.metrics.rouge`]): the paper's is `rouge1`,
#: `rouge2`, `rougeL`, Google's `rouge_score1`, `rouge_score2`, `rouge_scoreL`.
DEFINITIONS: tuple[Definition, ...] = ("rouge", "rouge_score")
#: Titles of the metrics in tables, in their order.
TITLES = {"rouge1": "RG-1", "rouge2": "RG-2", "rougeL": "RG-L", "f1@1": "F1@1", "f1@5": "F1@5"}

Statistics = dict[str, PerPost]
"""What each post adds to each metric, by the metric's name."""


class Answer(NamedTuple):
    """What a system says about one post.

    Attributes:
        ranking: Its hashtags, best first, up to five; F1@K looks at the first K.
        sequence: The hashtags it would write under the post; ROUGE looks at these.
    """

    ranking: list[str]
    sequence: list[str]


def answer_statistics(answers: Sequence[Answer], posts: Sequence[Post], language: str) -> Statistics:
    """What each post adds to ROUGE-1/2/L in both definitions, F1@1 and F1@5 of a system's answers.

    Raises:
        ValueError: There are not as many answers as posts, or none, or the language is neither "en" nor "zh".
    """
    gold = [list(post.hashtags) for post in posts]
    sequences = [answer.sequence for answer in answers]
    statistics: Statistics = {}
    for definition in DEFINITIONS:
        for name, part in rouge_per_post(sequences, gold, cast(Language, language), definition).items():
            statistics[name.replace("rouge", definition)] = part
    rankings = [answer.ranking for answer in answers]
    return statistics | {f"f1@{k}": f1_per_post(rankings, gold, k) for k in (1, 5)}


def percent(statistics: Mapping[str, PerPost]) -> dict[str, float]:
    """The scores over all posts, in percent with two decimals."""
    return {name: round(100 * part.score(), 2) for name, part in statistics.items()}


def score_answers(answers: Sequence[Answer], posts: Sequence[Post], language: str) -> dict[str, float]:
    """F1@1, F1@5 and ROUGE-1/2/L (both definitions, see [`DEFINITIONS`]) of a system's answers, in percent."""
    return percent(answer_statistics(answers, posts, language))


def markdown_table(results: Mapping[str, Mapping[str, float]]) -> str:
    """The scores of several systems, one run each, as a Markdown table."""
    width = max(map(len, results))
    lines = [
        f"| {'system':{width}} | " + " | ".join(f"{title:>5}" for title in TITLES.values()) + " |",
        f"|{'-' * (width + 2)}|" + "|".join("------:" for _ in TITLES) + "|",
    ]
    for system, scores in results.items():
        lines.append(f"| {system:{width}} | " + " | ".join(f"{scores[name]:5.2f}" for name in TITLES) + " |")
    return "\n".join(lines)
