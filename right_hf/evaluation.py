"""Evaluation: what a checkpoint, its parts and the baselines answer for posts, and the scores of these answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

from right_hf.calibration import expected_calibration_error, reliability
from right_hf.generator import Generator
from right_hf.metrics import PerPost, f1_per_post, rouge_per_post
from right_hf.metrics.rouge import Definition, Language
from right_hf.model import RightModel
from right_hf.posts import Post
from right_hf.preferences import Preferences
from right_hf.progress import batches, batches_of_like_length
from right_hf.ranker import Trace
from right_hf.retriever import Retriever, summed_votes
from right_hf.times import seconds

#: Names of the systems; that of the retriever alone is its type, and "without generator" is the selector's ranking. The
#: last is what the pipeline gives; where a checkpoint does not ask its generator of all posts, the one before is what
#: it would give if it did.
BM25, SEQ2SEQ, SELECTOR, RIGHT_WRITTEN, RIGHT_ASKED, RIGHT = (
    "BM25",
    "Seq2Seq",
    "RIGHT without generator",
    "RIGHT, generator's answer",
    "RIGHT, fused, generate_when=1",
    "RIGHT, fused",
)
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


def run_right(
    model: RightModel, posts: Sequence[Post], batch_size: int = 32, present: float | None = None, **generation: Any
) -> list[Trace]:
    """What the stages of RIGHT make of each post, at its own time where it has one. No text of `posts` may be empty."""
    present, traces = time.time() if present is None else present, list[Trace]()
    for batch in batches(posts, batch_size, "recommending"):
        now = [present if (own := seconds(post.created_at)) is None else own for post in batch]
        texts = [post.text for post in batch]
        traces.extend(model.trace(texts, now, preferences=Preferences(), **generation))
    return traces


def right_answers(model: RightModel, traces: Sequence[Trace], written: bool = True) -> dict[str, list[Answer]]:
    """Answers of RIGHT and of its parts, from one run.

    These are the selector's ranking, where there is a generator its answer (which is the paper's), and where there is a
    ranker what is suggested of the fused pool.

    Args:
        model: The model that made the traces.
        traces: What its stages made of each post.
        written: Whether the generator was asked of all.
    """
    corpus = model.retriever.corpus

    def answer(ranking: list[str]) -> Answer:
        return Answer(ranking[:5], ranking[:1])

    systems = {SELECTOR: [answer([candidate.hashtag for candidate in trace.candidates]) for trace in traces]}
    if written and model.generator is not None:
        texts = [trace.generation.hashtags for trace in traces]
        systems[RIGHT_WRITTEN] = [Answer(hashtags[:5], hashtags) for hashtags in texts]
    if model.ranker is not None:
        found = [[corpus.form(one.hashtag) for one in model.suggestions(trace)] for trace in traces]
        systems[RIGHT] = [answer(hashtags) for hashtags in found]
    return systems


def suggested(
    model: RightModel, posts: Sequence[Post], shown: int = 5, now: float | None = None
) -> tuple[list[float], list[bool]]:
    """The scores of the first `shown` hashtags of posts, none without text, and whether each is one of the author's."""
    scores: list[float] = []
    right: list[bool] = []
    form = model.retriever.corpus.form
    for batch in batches(posts, 32, "recommending"):
        texts = [post.text for post in batch]
        for post, found in zip(batch, model.recommend(texts, shown, 0.0, now=now), strict=True):
            gold = set(map(form, post.hashtags))
            scores += [one.score for one in found]
            right += [form(one.hashtag) in gold for one in found]
    return scores, right


def score_calibration(model: RightModel, posts: Sequence[Post], shown: int = 5) -> dict[str, Any]:
    """How far the scores of a checkpoint's first hashtags are probabilities, and what its threshold shows.

    Args:
        model: The checkpoint.
        posts: Posts with gold hashtags, none without text.
        shown: Hashtags of each post that are looked at.

    Returns:
        See [`calibration`].
    """
    return calibration(*suggested(model, posts, shown), model.config.threshold, len(posts))


def calibration(scores: Sequence[float], right: Sequence[bool], threshold: float, posts: int) -> dict[str, Any]:
    """How far scores are probabilities, and what a threshold shows.

    Args:
        scores: Of the first hashtags of posts, see [`suggested`].
        right: Which of them the author used.
        threshold: The checkpoint's.
        posts: How many there are.

    Returns:
        `ece`, the expected calibration error in [0, 1], and `bins` (mean score, share that is right, count); for the
        checkpoint's `threshold` how many hashtags it shows a post (`shown`), and which share is right (`precision`).
    """
    bins = reliability(scores, right)
    visible = [is_right for score, is_right in zip(scores, right, strict=True) if score >= threshold]
    return {
        "ece": round(expected_calibration_error(bins), 4),
        "bins": [[round(one.score, 4), round(one.share, 4), one.size] for one in bins],
        "threshold": threshold,
        "shown": round(len(visible) / posts, 2),
        "precision": round(sum(visible) / max(1, len(visible)), 4),
    }


def score_checkpoint(
    model: RightModel, posts: Sequence[Post], seq2seq: Generator | None = None, beams: int = 1
) -> dict[str, dict[str, float]]:
    """Scores of a checkpoint, of its parts and of the baselines, in percent.

    Args:
        model: The checkpoint; its parts may be of any type.
        posts: Posts with gold hashtags, none without text. Hashtags count whatever their spelling.
        seq2seq: A generator without retrieval, scored too.
        beams: If more than 1, there is a row for the hashtags of its so many best answers, as many as RIGHT ranks.
    """
    posts = in_forms(model, posts)
    return score_systems(checkpoint_answers(model, posts, seq2seq, beams), posts, model.config.language)


def score_systems(
    systems: Mapping[str, Sequence[Answer]], posts: Sequence[Post], language: str
) -> dict[str, dict[str, float]]:
    """The scores of several systems, in percent."""
    return {name: score_answers(answers, posts, language) for name, answers in systems.items()}


def in_forms(model: RightModel, posts: Sequence[Post]) -> list[Post]:
    """Posts with their hashtags in the forms of the checkpoint, so that these count whatever their spelling."""
    form = model.retriever.corpus.form
    return [replace(post, hashtags=tuple(dict.fromkeys(map(form, post.hashtags)))) for post in posts]


def checkpoint_answers(
    model: RightModel,
    posts: Sequence[Post],
    seq2seq: Generator | None = None,
    beams: int = 1,
    present: float | None = None,
) -> dict[str, list[Answer]]:
    """What a checkpoint, its parts and the baselines answer, by their names; arguments as for [`score_checkpoint`].

    Posts that tell no time are taken for those of `present`, None for now.
    """
    kind = model.retriever.type
    systems = {BM25 if kind == BM25.lower() else kind: run_retriever(model.retriever, posts, model.config.hits)}
    if seq2seq is not None:
        systems[SEQ2SEQ] = run_generator(seq2seq, posts)
        if beams > 1:
            n_best = run_generator(seq2seq, posts, num_beams=beams, num_return_sequences=beams)
            systems[f"{SEQ2SEQ}, {beams} beams"] = [Answer(best.ranking, best.ranking[:1]) for best in n_best]
    asked: dict[str, list[Answer]] = {}
    if model.generator is not None and model.config.generate_when < 1:
        asked = right_answers(model, run_right(model, posts, present=present, generate_when=1))
        asked = {RIGHT_ASKED if name == RIGHT else name: answers for name, answers in asked.items()}
    return systems | asked | right_answers(model, run_right(model, posts, present=present), written=not asked)
