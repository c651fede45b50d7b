"""Evaluation: what each system answers for the posts of a split, its scores, and their tables."""

from __future__ import annotations

from right_hf.evaluation.answers import Answer, read_answers, write_answers
from right_hf.evaluation.cases import case_study, choose_cases
from right_hf.evaluation.checkpoint import score_checkpoint
from right_hf.evaluation.figures import hashtag_count_figure, strata_figure, stream_figure
from right_hf.evaluation.scores import answer_statistics, score_answers
from right_hf.evaluation.significance import Comparison, compare, compare_all
from right_hf.evaluation.strata import (
    Strata,
    by_gold_in_text,
    by_overlap,
    by_seen_gold,
    nearest_overlaps,
    score_strata,
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
    supporting_post,
)
from right_hf.evaluation.tables import markdown_table, not_run_notes, results_table, validation_table

__all__ = [
    "BM25",
    "RIGHT",
    "RIGHT_WRITTEN",
    "SELECTOR",
    "SEQ2SEQ",
    "Answer",
    "Comparison",
    "Strata",
    "answer_statistics",
    "by_gold_in_text",
    "by_overlap",
    "by_seen_gold",
    "case_study",
    "choose_cases",
    "compare",
    "compare_all",
    "hashtag_count_figure",
    "markdown_table",
    "nearest_overlaps",
    "not_run_notes",
    "read_answers",
    "results_table",
    "right_answers",
    "run_generator",
    "run_retriever",
    "run_right",
    "score_answers",
    "score_checkpoint",
    "score_strata",
    "strata_figure",
    "stream_figure",
    "supporting_post",
    "validation_table",
    "write_answers",
]
