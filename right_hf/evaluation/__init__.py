"""Evaluation: what a checkpoint and its parts answer for the posts of a split, and their scores."""

from right_hf.evaluation.answers import Answer, read_answers, write_answers
from right_hf.evaluation.checkpoint import score_checkpoint
from right_hf.evaluation.scores import answer_statistics, percent, score_answers
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
    "answer_statistics",
    "markdown_table",
    "percent",
    "read_answers",
    "right_answers",
    "run_generator",
    "run_retriever",
    "run_right",
    "score_answers",
    "score_checkpoint",
    "supporting_post",
    "write_answers",
]
