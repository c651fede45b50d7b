from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest
import showcase

from right_hf import DenseRetriever, Hit, HybridRetriever, Post, Retriever, RightConfig, RightModel
from right_hf.corpus import Corpus
from right_hf.evaluation import (
    BM25,
    RIGHT,
    RIGHT_WRITTEN,
    SELECTOR,
    SEQ2SEQ,
    Answer,
    markdown_table,
    right_answers,
    run_generator,
    run_retriever,
    run_right,
    score_answers,
    score_checkpoint,
)
from right_hf.retriever import summed_votes


def test_summed_votes_worked_by_hand() -> None:
    hits = [Hit(Post("1", "", ("a", "b")), 3.0), Hit(Post("2", "", ("b",)), 1.0), Hit(Post("3", "", ("c",)), 4.0)]
    assert summed_votes(hits) == ["b", "c", "a"]  # 4, 4, 3; the tie by name


def test_scores_worked_by_hand() -> None:
    posts = [Post("1", "x", ("a",)), Post("2", "y", ("b", "c"))]
    answers = [Answer(["a", "z"], ["a"]), Answer(["z", "b"], ["z"])]
    scores = score_answers(answers, posts, "en")
    # F1@1: 1 match; precision 1/2, recall 1/3. F1@5: 2 matches; precision 2/10, recall 2/3.
    assert scores["f1@1"] == pytest.approx(100 * 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3), abs=0.01)
    assert scores["f1@5"] == pytest.approx(100 * 2 * 0.2 * (2 / 3) / (0.2 + 2 / 3), abs=0.01)
    assert scores["rouge1"] == pytest.approx(50.0)
    # One definition of ROUGE tells upper case from lower case, the other does not; both have a name.
    upper = score_answers([Answer([], ["A"])], posts[:1], "en")
    assert (upper["rouge1"], upper["rouge_score1"]) == (0.0, 100.0)


def test_systems_answer_every_post(model: RightModel, english_posts: list[Post]) -> None:
    posts = english_posts[:5]
    assert model.generator is not None
    systems = {BM25: run_retriever(model.retriever, posts), "Seq2Seq": run_generator(model.generator, posts)}
    traces = run_right(model, posts, batch_size=2)
    systems |= right_answers(model, traces)
    assert set(systems) == {BM25, "Seq2Seq", SELECTOR, RIGHT_WRITTEN, RIGHT}
    for answers in systems.values():
        assert len(answers) == len(posts)
        assert all(len(answer.ranking) <= 5 for answer in answers)
    fused = [[found.hashtag for found in row] for row in model.recommend([post.text for post in posts])]
    assert [answer.ranking for answer in systems[RIGHT]] == fused
    # A post of the corpus retrieves itself first, so the retriever knows its hashtags.
    assert all(set(post.hashtags) & set(answer.ranking) for post, answer in zip(posts, systems[BM25], strict=True))


def test_supporting_post(model: RightModel) -> None:
    for found in model.recommend(["Windows desktop in the cloud"])[0]:
        text = showcase.supporting_post(model, found)
        assert (text is None) == (found.source == "generated")


class FirstPosts(Retriever):
    """A retriever that a user of the package might write: it finds the same posts whatever is asked."""

    type = "first posts"

    def __init__(self, posts: Sequence[Post]) -> None:
        self._corpus = Corpus(posts)

    @property
    def corpus(self) -> Corpus:
        return self._corpus

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        return [[Hit(self._corpus[row], 1.0) for row in range(k)] for _ in queries]


def test_the_row_of_the_retriever_bears_its_own_name(
    model: RightModel, english_posts: list[Post], dense_retriever: DenseRetriever
) -> None:
    hybrid = HybridRetriever(model.retriever, dense_retriever)
    for retriever, name in (
        (model.retriever, "BM25"),
        (dense_retriever, "dense"),
        (hybrid, "hybrid"),
        (FirstPosts(english_posts), "first posts"),
    ):
        swapped = RightModel(model.config, retriever, model.selector, model.generator)
        scores = score_checkpoint(swapped, english_posts[:2])
        assert list(scores) == [name, SELECTOR, RIGHT_WRITTEN, RIGHT]
        alone = run_retriever(retriever, english_posts[:2], model.config.hits)
        assert scores[name] == score_answers(alone, english_posts[:2], "en")


def test_parts_that_are_not_there_have_no_rows(model: RightModel, english_posts: list[Post]) -> None:
    posts = english_posts[:3]
    without = RightModel(model.config, model.retriever, model.selector)
    assert list(score_checkpoint(without, posts)) == [BM25, SELECTOR, RIGHT]
    without.ranker = None
    assert list(score_checkpoint(without, posts)) == [BM25, SELECTOR]
    unranked = RightModel(RightConfig(), model.retriever, model.selector, model.generator)
    rows = list(score_checkpoint(unranked, posts, model.generator, beams=2))
    assert rows == [BM25, SEQ2SEQ, f"{SEQ2SEQ}, 2 beams", SELECTOR, RIGHT_WRITTEN]


def test_a_post_is_answered_as_of_its_own_time(
    model: RightModel, english_posts: list[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    moments: list[float] = []

    def trace(posts: Sequence[str], now: Sequence[float], **generation: Any) -> list[Any]:
        moments.extend(now)
        return [None for _ in posts]

    monkeypatch.setattr(model, "trace", trace)
    monkeypatch.setattr("right_hf.evaluation.time.time", lambda: 7.0)
    posts = [replace(english_posts[0], created_at="1970-01-02T00:00:00Z"), english_posts[1]]
    run_right(model, posts, batch_size=1)
    assert moments == [86400.0, 7.0]


def test_table_has_one_aligned_row_a_system() -> None:
    scores = {"rouge1": 1.0, "rouge2": 2.0, "rougeL": 3.0, "f1@1": 4.0, "f1@5": 55.5}
    lines = markdown_table({"BM25": scores, "a longer name": scores}).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
    assert lines[2].split("|")[1:-1] == [" BM25          ", "  1.00 ", "  2.00 ", "  3.00 ", "  4.00 ", " 55.50 "]
