"""The systems of the comparison: what a checkpoint, its parts and the baselines answer for posts, and their scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from right_hf.evaluation.scores import Answer, score_answers
from right_hf.generator import Generator
from right_hf.model import RightModel
from right_hf.popularity import seconds
from right_hf.posts import Post
from right_hf.progress import batches, batches_of_like_length
from right_hf.ranker import Trace, fuse
from right_hf.retriever import Retriever, summed_votes

#: Names of the systems; that of the retriever alone is its type, and "without generator" is the selector's ranking.
BM25, SEQ2SEQ, SELECTOR, RIGHT_WRITTEN, RIGHT = (
    "BM25",
    "Seq2Seq",
    "RIGHT without generator",
    "RIGHT, generator's answer",
    "RIGHT, fused",
)


def retriever_name(retriever: Retriever) -> str:
    """What a retriever alone is called: its type, and BM25 as it is written elsewhere."""
    return BM25 if retriever.type == BM25.lower() else retriever.type


def run_retriever(retriever: Retriever, posts: Sequence[Post], hits: int = 10, written: int = 1) -> list[Answer]:
    """Answers of the retriever alone; `written` hashtags of its ranking count as written."""
    rankings = [summed_votes(found) for found in retriever.search([post.text for post in posts], hits)]
    return [Answer(ranking[:5], ranking[:written]) for ranking in rankings]


def run_generator(
    generator: Generator,
    posts: Sequence[Post],
    contexts: Sequence[Sequence[str]] | None = None,
    batch_size: int = 32,
    **generation: Any,
) -> list[Answer]:
    """Answers of a generator, given the hashtags beside each post; without `contexts` there are none (Seq2Seq)."""
    beside = contexts if contexts is not None else [()] * len(posts)
    answers: dict[int, Answer] = {}
    for rows in batches_of_like_length([post.text for post in posts], batch_size, "generating"):
        texts = [posts[row].text for row in rows]
        written = generator.generate(texts, [beside[row] for row in rows], **generation)
        answers |= {row: Answer(found.hashtags[:5], found.hashtags) for row, found in zip(rows, written, strict=True)}
    return [answers[row] for row in range(len(posts))]


def run_right(model: RightModel, posts: Sequence[Post], batch_size: int = 32, **generation: Any) -> list[Trace]:
    """What the stages of RIGHT make of each post, at its own time where it has one. No text of `posts` may be empty."""
    present, traces = time.time(), list[Trace]()
    for batch in batches(posts, batch_size, "recommending"):
        now = [present if (own := seconds(post.created_at)) is None else own for post in batch]
        traces.extend(model.trace([post.text for post in batch], now, **generation))
    return traces


def right_answers(model: RightModel, traces: Sequence[Trace], written: int = 1) -> dict[str, list[Answer]]:
    """Answers of RIGHT and of its parts, from one run.

    These are the selector's ranking, where there is a generator its answer (which is the paper's), and where there is a
    ranker the fused pool.
    """
    systems: dict[str, list[Answer]] = {SELECTOR: []}
    systems |= {RIGHT_WRITTEN: []} if model.generator is not None else {}
    systems |= {RIGHT: []} if model.ranker is not None else {}
    for trace in traces:
        ranking = [candidate.hashtag for candidate in trace.candidates]
        systems[SELECTOR].append(Answer(ranking[:5], ranking[:written]))
        if model.generator is not None:
            answer = trace.generation.hashtags
            systems[RIGHT_WRITTEN].append(Answer(answer[:5], answer))
        if model.ranker is not None:
            fused = [found.hashtag for found in fuse(trace, model.ranker)]
            systems[RIGHT].append(Answer(fused[:5], fused[:written]))
    return systems


def score_checkpoint(
    model: RightModel, posts: Sequence[Post], seq2seq: Generator | None = None, beams: int = 1
) -> dict[str, dict[str, float]]:
    """Scores of a checkpoint, of its parts and of the baselines, in percent.

    Args:
        model: The checkpoint; its parts may be of any type.
        posts: Posts with gold hashtags, none without text.
        seq2seq: A generator without retrieval, scored too.
        beams: If more than 1, there is a row for the hashtags of its so many best answers, as many as RIGHT ranks.
    """
    systems = {retriever_name(model.retriever): run_retriever(model.retriever, posts, model.config.hits)}
    if seq2seq is not None:
        systems[SEQ2SEQ] = run_generator(seq2seq, posts)
        if beams > 1:
            n_best = run_generator(seq2seq, posts, num_beams=beams, num_return_sequences=beams)
            systems[f"{SEQ2SEQ}, {beams} beams"] = [Answer(best.ranking, best.ranking[:1]) for best in n_best]
    systems |= right_answers(model, run_right(model, posts))
    return {name: score_answers(answers, posts, model.config.language) for name, answers in systems.items()}
