"""Evaluation: what a checkpoint and its parts answer for the posts of a split, and their scores."""

from right_hf.evaluation.scores import (
    TITLES,
    Answer,
    answer_statistics,
    markdown_table,
    percent,
    score_answers,
)
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
    score_checkpoint,
)

__all__ = [
    "BM25",
    "RIGHT",
    "RIGHT_WRITTEN",
    "SELECTOR",
    "SEQ2SEQ",
    "TITLES",
    "Answer",
    "answer_statistics",
    "markdown_table",
    "percent",
    "right_answers",
    "run_generator",
    "run_retriever",
    "run_right",
    "score_answers",
    "score_checkpoint",
]
