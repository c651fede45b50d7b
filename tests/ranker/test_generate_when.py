"""A generator that is asked only where it may help, and the ranker that orders with and without it."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from right_hf import DEFAULT_CHECKPOINT, RightModel, read_posts
from right_hf.generator.base import Generation
from right_hf.ranker import PoolSettings
from right_hf.stages import Stages
from right_hf.trainers.pools import run_pools
from tests.support.paths import ROOT

POSTS = read_posts(ROOT / "training" / "showcase" / "test.jsonl")[:24]
GENERATOR = ROOT / "training" / "showcase" / "seq2seq"
TEXTS = [post.text for post in POSTS]


@pytest.fixture(scope="module")
def model() -> RightModel:
    return RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=GENERATOR, generate_when=0)


@pytest.fixture
def asked(model: RightModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The posts that the generator was asked for."""
    generator, posts = model.generator, []
    assert generator is not None
    generate = generator.generate

    def noted(texts: Any, *arguments: Any, **options: Any) -> list[Generation]:
        posts.extend(texts)
        return generate(texts, *arguments, **options)

    monkeypatch.setattr(generator, "generate", noted)
    return posts


def best(answers: list[Any]) -> list[float]:
    return [max((one.score for one in found), default=0.0) for found in answers]


def test_the_generator_is_asked_where_nothing_is_sure(model: RightModel, asked: list[str]) -> None:
    alone = model.recommend(TEXTS, generate_when=0)
    assert asked == []
    everywhere = model.recommend(TEXTS, generate_when=1)
    assert asked == TEXTS
    asked.clear()
    when = float(np.median(best(alone)))
    found = model.recommend(TEXTS, generate_when=when)
    unsure = [score <= when for score in best(alone)]
    assert asked == [text for text, wanted in zip(TEXTS, unsure, strict=True) if wanted]
    assert 0 < len(asked) < len(TEXTS)
    assert found == [b if wanted else a for a, b, wanted in zip(alone, everywhere, unsure, strict=True)]


def test_it_is_asked_as_the_checkpoint_says_unless_told_otherwise(model: RightModel, asked: list[str]) -> None:
    assert model.recommend(TEXTS) == model.recommend(TEXTS, generate_when=model.config.generate_when)
    asked.clear()
    [one] = model.recommend(TEXTS[:1], generate_when=1)
    assert asked == TEXTS[:1] and one == model.recommend(TEXTS[:1], generate_when=1.0)[0]


def test_who_gives_a_model_another_generator_wants_it_asked(tmp_path: Path) -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=GENERATOR, generate_when=0)
    with pytest.raises(ValueError, match=r"num_beams=2 is for the generator.*generate_when=1"):
        model.recommend(TEXTS[:1], generate_kwargs={"num_beams": 2})
    assert model.recommend(TEXTS[:1], generate_kwargs={"num_beams": 2}, generate_when=1)[0]
    generator = model.generator
    assert generator is not None
    generator.save_pretrained(tmp_path)
    named = RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=tmp_path)
    assert named.config.generate_when == 1
    assert RightModel.from_pretrained(DEFAULT_CHECKPOINT, generator=tmp_path, generate_when=0).config.generate_when == 0
    model.generator = generator
    assert model.config.generate_when == 1
    assert model.recommend(TEXTS[:2]) == named.recommend(TEXTS[:2])


def test_a_model_without_a_generator_says_so() -> None:
    model = RightModel.from_pretrained(DEFAULT_CHECKPOINT)
    assert model.generator is None
    for asked in ({"generate_when": 0.5}, {"generate_kwargs": {"num_beams": 2}}):
        with pytest.raises(ValueError, match="this model has none"):
            model.recommend(TEXTS[:1], **asked)
    assert model.recommend(TEXTS[:1], generate_when=0)[0]


def test_it_needs_a_ranker_that_scores_without_it(model: RightModel) -> None:
    paper = RightModel(model.config, model.retriever, model.selector, model.generator)
    with pytest.raises(ValueError, match=r"generate_when=0\.5 needs a ranker of a pool"):
        paper.recommend(TEXTS[:1], generate_when=0.5)
    assert paper.recommend(TEXTS[:1], generate_when=1)[0]
    with pytest.raises(ValueError, match="generate_when must lie between 0 and 1, got 2"):
        model.recommend(TEXTS[:1], generate_when=2)


def test_the_generator_scores_the_best_hashtags_alone(model: RightModel) -> None:
    parts = model.config, model.retriever, model.selector, model.generator
    number, first = 5, model.ranker
    assert first is not None
    assert first.pool is not None
    pools = replace(first.pool, scored=number)
    some = Stages(*parts, pool=pools, first=first).run(TEXTS, generate_when=1)
    everything = Stages(*parts, pool=first.pool).run(TEXTS, generate_when=1)
    without = Stages(*parts, ranker=first).run(TEXTS, generate_when=0)
    for trace, whole, alone in zip(some, everything, without, strict=True):
        assert alone.scores is not None
        best = sorted(alone.scores, key=lambda tag: (-alone.scores[tag], tag))[:number]
        told = trace.generation.log_likelihoods
        assert set(told) == {*best, *trace.generation.hashtags} and len(told) < len(whole.generation.log_likelihoods)
        assert told == pytest.approx({tag: whole.generation.log_likelihoods[tag] for tag in told}, abs=1e-4)
    with pytest.raises(ValueError, match="scored must be a whole number of at least 1, got 0"):
        PoolSettings(scored=0)


@pytest.mark.parametrize("sure", [False, True])
def test_no_score_is_worked_out_twice(model: RightModel, monkeypatch: pytest.MonkeyPatch, sure: bool) -> None:
    ranker = copy.copy(model.ranker)
    assert ranker is not None
    monkeypatch.setattr(ranker, "pool", PoolSettings(scored=5))
    scored, scores = list[int](), ranker.scores

    def noted(traces: Any) -> Any:
        scored.append(len(traces))
        return scores(traces)

    monkeypatch.setattr(ranker, "scores", noted)
    stages = Stages(model.config, model.retriever, model.selector, model.generator, ranker)
    monkeypatch.setattr(stages, "_asks_likelihoods", True)  # as trees that look at them do
    best = [max((trace.scores or {}).values(), default=0.0) for trace in stages.run(TEXTS, generate_when=0)]
    when = float(np.median(best)) if sure else 1.0
    asked = sum(score <= when for score in best)
    traces = stages.run(TEXTS, generate_when=when)
    assert scored == [len(TEXTS), len(TEXTS), asked]
    assert sum(bool(trace.generation.log_likelihoods) for trace in traces) == asked


def test_pools_are_learned_with_and_without_the_generator(model: RightModel) -> None:
    stages = Stages(model.config, model.retriever, model.selector, model.generator, pool=PoolSettings())
    both = run_pools(POSTS, stages, (1, 0))
    apart = [run_pools(POSTS, stages, (when,)) for when in (1, 0)]
    assert np.array_equal(both.sizes, np.concatenate([pools.sizes for pools in apart]))
    assert both.hashtags == [tag for pools in apart for tag in pools.hashtags]
    assert np.array_equal(both.values, np.concatenate([pools.values for pools in apart]), equal_nan=True)
    written = ~np.isnan(both.column("generator_rank"))
    assert written[: len(apart[0].hashtags)].any() and not written[len(apart[0].hashtags) :].any()
