"""Scores of a system's answers."""

from __future__ import annotations

from collections.abc import Sequence

from right_hf.evaluation.answers import Answer
from right_hf.metrics import HashtagF1, HashtagRouge
from right_hf.posts import Post


def score_answers(answers: Sequence[Answer], posts: Sequence[Post], language: str) -> dict[str, float]:
    """F1@1, F1@5 and ROUGE-1/2/L (definition of the package `rouge`) of a system's answers, in percent."""
    gold = [list(post.hashtags) for post in posts]
    rankings = [answer.ranking for answer in answers]
    f1 = HashtagF1().compute(predictions=rankings, references=gold, k=(1, 5))
    sequences = [answer.sequence for answer in answers]
    rouge = HashtagRouge().compute(predictions=sequences, references=gold, language=language, definition="rouge")
    scores = {name: rouge[name] for name in ("rouge1", "rouge2", "rougeL")} | {n: f1[n] for n in ("f1@1", "f1@5")}
    return {name: round(100 * float(score), 2) for name, score in scores.items()}
