"""Evaluation: what each system answers for the posts of a split, its scores, and their tables."""

from __future__ import annotations

from right_hf.evaluation.answers import Answer
from right_hf.evaluation.scores import score_answers
from right_hf.evaluation.systems import (
    BM25,
    RIGHT,
    RIGHT_WRITTEN,
    SELECTOR,
    SEQ2SEQ,
    right_answers,
    run_generator,
    run_retriever,
    run_right,
    summed_votes,
    supporting_post,
)
from right_hf.evaluation.tables import markdown_table

__all__ = [
    "BM25",
    "RIGHT",
    "RIGHT_WRITTEN",
    "SELECTOR",
    "SEQ2SEQ",
    "Answer",
    "markdown_table",
    "right_answers",
    "run_generator",
    "run_retriever",
    "run_right",
    "score_answers",
    "summed_votes",
    "supporting_post",
]
