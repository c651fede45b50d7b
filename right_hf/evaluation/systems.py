"""The systems of the comparison: what each answers for the posts of a split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from right_hf.progress import batches, batches_of_like_length
from right_hf.evaluation.answers import Answer
from right_hf.ranker import Recommendation, Trace, fuse
from right_hf.generator import Generator
from right_hf.model import RightModel
from right_hf.posts import Post
from right_hf.retriever import Retriever, summed_votes

#: Systems of the main table; "without generator" is the selector's ranking.
BM25, SEQ2SEQ, SELECTOR, RIGHT_WRITTEN, RIGHT = (
    "BM25",
    "Seq2Seq",
    "RIGHT without generator",
    "RIGHT, generator's answer",
    "RIGHT, fused",
)


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
    """What the stages of RIGHT make of each post. The texts of `posts` must not be empty."""
    traces: list[Trace] = []
    for batch in batches(posts, batch_size, "recommending"):
        traces.extend(model.trace([post.text for post in batch], **generation))
    return traces


def right_answers(model: RightModel, traces: Sequence[Trace], written: int = 1) -> dict[str, list[Answer]]:
    """Answers of RIGHT and of its parts, from one run.

    These are the selector's ranking, the generator's answer (which is the paper's), and the fused pool.
    """
    systems: dict[str, list[Answer]] = {SELECTOR: [], RIGHT_WRITTEN: []}
    if model.scorer is not None:
        systems[RIGHT] = []
    for trace in traces:
        ranking = [candidate.hashtag for candidate in trace.candidates]
        systems[SELECTOR].append(Answer(ranking[:5], ranking[:written]))
        answer = trace.generation.hashtags
        systems[RIGHT_WRITTEN].append(Answer(answer[:5], answer))
        if model.scorer is not None:
            fused = [found.hashtag for found in fuse(trace, model.scorer)]
            systems[RIGHT].append(Answer(fused[:5], fused[:written]))
    return systems


def supporting_post(model: RightModel, recommendation: Recommendation) -> str | None:
    """The text of the retrieved post that supports a recommendation best, if there is one."""
    if not recommendation.evidence:
        return None
    row = model.retriever.corpus.row(recommendation.evidence[0])
    return None if row is None else model.retriever.corpus[row].text
