"""Distillation of the generator's likelihoods: the loss, what is judged, and encoders that learn from it."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss
from sentence_transformers.util import pairwise_cos_sim

from right_hf import BM25Retriever, DenseRetriever, Post
from right_hf.generator import Generation, Seq2SeqGenerator
from right_hf.persistence import read_object
from right_hf.retriever import Hit
from right_hf.selector import BiEncoderSelector
from right_hf.training.build_distilled import build_distilled_retriever, build_distilled_selector
from right_hf.training.distill import (
    CotrainingRecipe,
    DistillRecipe,
    Judged,
    build_cotraining_recipe,
    distillation_columns,
    judge_hashtags,
    judge_hits,
    read_judged,
    train_distilled,
    write_judged,
)
from right_hf.training.losses import distillation_loss
from right_hf.training.recipe import Recipe
from right_hf.training.runs import last_checkpoint
from right_hf.training.selector import static_encoder

ARGUMENTS = {
    "learning_rate": 0.05,
    "num_train_epochs": 6,
    "per_device_train_batch_size": 4,
    "use_cpu": True,
    "dataloader_pin_memory": False,
    "disable_tqdm": True,
}
SETTINGS = DistillRecipe(temperature=0.5, arguments=ARGUMENTS)
RECIPE = Recipe(language="en")
POSTS = [Post("1", "warm seas", ("coral",)), Post("2", "cloud bill", ("cloud", "costs"))]


def test_the_loss_worked_by_hand() -> None:
    """Post 1: targets 2/3 and 1/3 against 1/2 and 1/2. Post 2 has one candidate, which both give all."""
    cosines = torch.tensor([[0.3, 0.3], [0.9, 0.1]])
    likelihoods = torch.tensor([[math.log(4), math.log(1)], [-1.0, -math.inf]])
    expected = (2 / 3 * math.log(4 / 3) + 1 / 3 * math.log(2 / 3)) / 2
    assert distillation_loss(cosines, likelihoods, temperature=2.0).item() == pytest.approx(expected, rel=1e-5)


def test_the_loss_is_that_of_sentence_transformers_where_nothing_is_missing() -> None:
    generator = torch.Generator().manual_seed(0)
    post, *texts = embeddings = [torch.randn((5, 8), generator=generator) for _ in range(4)]
    likelihoods = -torch.rand((5, 3), generator=generator)
    model: Any = torch.nn.Identity()
    theirs = DistillKLDivLoss(model, pairwise_cos_sim, student_temperature=0.05, teacher_temperature=0.3)
    expected = theirs.compute_loss_from_embeddings(embeddings, likelihoods) / 0.05**2
    cosines = torch.stack([pairwise_cos_sim(post, text) for text in texts], dim=1)
    assert distillation_loss(cosines, likelihoods, 0.3).item() == pytest.approx(expected.item(), rel=1e-4)


def test_missing_candidates_count_for_nothing() -> None:
    cosines = torch.tensor([[0.5, 0.1, 0.2]], requires_grad=True)
    likelihoods = torch.tensor([[-1.0, -0.5, -math.inf]])
    loss = distillation_loss(cosines, likelihoods, 1.0)
    assert loss.item() == pytest.approx(distillation_loss(cosines[:, :2], likelihoods[:, :2], 1.0).item())
    loss.backward()  # type: ignore[no-untyped-call]
    assert cosines.grad is not None and torch.isfinite(cosines.grad).all() and cosines.grad[0, 2] == 0


@pytest.mark.parametrize(("shape", "temperature", "message"), [((2, 3), 1.0, "of one shape"), ((2, 2), 0.0, "above 0")])
def test_the_loss_refuses(shape: tuple[int, int], temperature: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distillation_loss(torch.zeros((2, 2)), torch.zeros(shape), temperature)


class Liking:
    """Finds hashtags likely by their length, and more so where it reads them in the context."""

    def generate(self, posts: Any, contexts: Any, candidates: Any, **generation: Any) -> list[Generation]:
        assert generation == {"max_new_tokens": 1}
        pools = zip(contexts, candidates, strict=True)
        return [Generation([], {tag: -len(tag) + float(tag in context) for tag in pool}) for context, pool in pools]


def test_what_is_judged() -> None:
    generator: Any = Liking()
    ranked = [["coral", "ice", "sea"], ["cloud"]]
    assert judge_hashtags(generator, POSTS, ranked, context=1, candidates=2) == [
        Judged("warm seas", ("coral", "ice"), (-4.0, -3.0))  # one reads the first; a post with one has no order
    ]
    hits = [Hit(Post("a", "a reef", ("coral",)), 2.0), Hit(Post("b", "a bill", ("costs",)), 1.0)]
    assert judge_hits(generator, POSTS, [hits, hits]) == [
        Judged("warm seas", ("a reef", "a bill"), (-4.0, -5.0)),
        Judged("cloud bill", ("a reef", "a bill"), (-5.0, -4.5)),  # the mean over its two gold hashtags
    ]
    assert judge_hits(generator, [Post("3", "no gold", ())], [hits]) == []
    silent: Any = SimpleNamespace(generate=lambda posts, *_, **__: [Generation([], {})] * len(posts))
    with pytest.raises(ValueError, match="tells no likelihoods"):
        judge_hits(silent, POSTS, [hits, hits])


def test_a_generator_judges_as_it_scores(english_posts: list[Post], tiny_generator: Seq2SeqGenerator) -> None:
    posts, ranked = english_posts[:3], [["cloud", "news", "coral"]] * 3
    judged = judge_hashtags(tiny_generator, posts, ranked, context=2, candidates=3)
    scores = tiny_generator.generate([posts[1].text], [["cloud", "news"]], [["coral"]])[0].log_likelihoods
    assert judged[1].post == posts[1].text
    assert judged[1].likelihoods[2] == pytest.approx(scores["coral"], abs=1e-4)


def test_columns_are_filled_up() -> None:
    rows = [Judged("p", ("a", "b", "c"), (-1.0, -2.0, -3.0)), Judged("q", ("d", "e"), (-1.0, -2.0))]
    columns = distillation_columns(rows)
    assert [columns[f"text-{place}"] for place in range(3)] == [["a", "d"], ["b", "e"], ["c", ""]]
    assert columns["label"] == [[-1.0, -2.0, -3.0], [-1.0, -2.0, -np.inf]]
    with pytest.raises(ValueError, match="nothing to distil"):
        distillation_columns([])


def test_what_was_judged_is_kept(tmp_path: Path) -> None:
    rows = [Judged("樱花\n开了", ("a", "b"), (-1.5, -2.0))]
    path = tmp_path / "judged.jsonl"
    write_judged(path, rows)
    assert read_judged(path) == rows
    for line in ('{"post": "a"}', '{"post": "a", "texts": ["b", "c"], "likelihoods": [1]}', "[]", "{"):
        path.write_text(line)
        with pytest.raises(ValueError, match=r"line 1: .*made again"):
            read_judged(path)


def test_settings() -> None:
    values = {"candidates": 5, "selector": {"temperature": 0.5}}
    assert build_cotraining_recipe(values, "x") == CotrainingRecipe(candidates=5, selector=DistillRecipe(0.5))
    assert build_cotraining_recipe({}, "x") == CotrainingRecipe()
    wrong: list[tuple[Any, str]] = [
        ({"selector": {"temperature": 0}}, "x, selector: temperature must be above 0"),
        ({"candidates": 1}, "x: needs at least"),
        ({"taste": 1}, "unknown setting 'taste'"),
        ([], "must be a mapping"),
    ]
    for given, message in wrong:
        with pytest.raises(ValueError, match=message):
            build_cotraining_recipe(given, "x")


@pytest.fixture(scope="module")
def judged(english_posts: list[Post]) -> list[Judged]:
    """Posts that prefer the word "cloud" to others."""
    return [Judged(post.text, ("coral", "cloud", "bread"), (-3.0, -1.0, -3.0)) for post in english_posts]


def test_the_selector_takes_up_what_the_generator_likes(
    judged: list[Judged], tiny_selector: BiEncoderSelector, tmp_path: Path
) -> None:
    tiny_selector.save_pretrained(tmp_path / "start")
    build_distilled_selector(RECIPE, SETTINGS, judged, tmp_path / "start", tmp_path / "selector")
    trained = BiEncoderSelector.from_pretrained(tmp_path / "selector")
    rows = trained.similarity([row.post for row in judged], [row.texts for row in judged])
    assert all(cosines[1] > max(cosines[0], cosines[2]) for cosines in rows)
    record = read_object(tmp_path / "selector" / "training.json")
    assert record["judged"] == len(judged) and record["config"]["distillation"]["temperature"] == 0.5
    with pytest.raises(ValueError, match="other settings or data"):
        build_distilled_selector(
            RECIPE, replace(SETTINGS, temperature=1.0), judged, tmp_path / "start", tmp_path / "selector"
        )


def test_the_retriever_embeds_its_corpus_anew(
    english_posts: list[Post], dense_retriever: DenseRetriever, tmp_path: Path
) -> None:
    dense_retriever.save_pretrained(tmp_path / "start")
    [query, useful, useless] = [post.text for post in english_posts[4:7]]
    judged = [Judged(query, (useful, useless), (-4.0, -0.5))]
    build_distilled_retriever(RECIPE, SETTINGS, judged, tmp_path / "start", tmp_path / "retriever")
    trained = DenseRetriever.from_pretrained(tmp_path / "retriever")

    def margin(retriever: DenseRetriever) -> float:
        scores = {hit.post.text: hit.score for hit in retriever.search([query], len(english_posts))[0]}
        return scores.get(useless, 0.0) - scores.get(useful, 0.0)

    assert margin(trained) > margin(dense_retriever)
    assert list(trained.corpus) == list(dense_retriever.corpus)
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "bm25")
    with pytest.raises(ValueError, match="only a DenseRetriever"):
        build_distilled_retriever(RECIPE, SETTINGS, judged, tmp_path / "bm25", tmp_path / "other")


@pytest.mark.slow
def test_a_stopped_run_goes_on(judged: list[Judged], tiny_tokenizer: Any, tmp_path: Path) -> None:
    def train(folder: Path, **more: Any) -> tuple[torch.Tensor, int]:
        model = static_encoder(tiny_tokenizer, dimensions=8, seed=0)
        settings = replace(SETTINGS, arguments={**ARGUMENTS, "lr_scheduler_type": "constant", **more})
        log = train_distilled(model, judged, folder, settings, seed=3)
        return next(model.parameters()).detach().clone(), log["steps"]

    whole, steps = train(tmp_path / "whole")
    train(tmp_path / "parts", num_train_epochs=2)
    assert last_checkpoint(tmp_path / "parts") is not None
    resumed, resumed_steps = train(tmp_path / "parts")
    assert resumed_steps == steps
    assert torch.allclose(resumed, whole, atol=1e-6)
