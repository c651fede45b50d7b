"""The scores of a checkpoint beside those of its parts and of the baselines."""

from __future__ import annotations

from collections.abc import Sequence

from right_hf.evaluation.answers import Answer
from reproduction.analysis.paper import SIMCSE
from right_hf.evaluation.scores import score_answers
from right_hf.evaluation.systems import BM25, SEQ2SEQ, right_answers, run_generator, run_retriever, run_right
from right_hf.generator import Generator
from right_hf.model import RightModel
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever


def score_checkpoint(
    model: RightModel, posts: Sequence[Post], seq2seq: Generator | None = None, beams: int = 1
) -> dict[str, dict[str, float]]:
    """Scores of a checkpoint, of its parts and of the baselines, in percent.

    Args:
        model: The checkpoint.
        posts: Posts with gold hashtags, none without text.
        seq2seq: A generator without retrieval, scored too.
        beams: If more than 1, there is a row for the hashtags of its so many best answers, as many as RIGHT ranks.
    """
    retriever = BM25 if isinstance(model.retriever, BM25Retriever) else SIMCSE
    systems = {retriever: run_retriever(model.retriever, posts, model.config.hits)}
    if seq2seq is not None:
        systems[SEQ2SEQ] = run_generator(seq2seq, posts)
        if beams > 1:
            n_best = run_generator(seq2seq, posts, num_beams=beams, num_return_sequences=beams)
            systems[f"{SEQ2SEQ}, {beams} beams"] = [Answer(best.ranking, best.ranking[:1]) for best in n_best]
    systems |= right_answers(model, run_right(model, posts))
    return {name: score_answers(answers, posts, model.config.language) for name, answers in systems.items()}
