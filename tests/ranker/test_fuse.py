from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.generator import Generation
from right_hf.ranker import LinearRanker, Trace, fuse
from right_hf.ranker.linear_features import LinearFeatures, linear_features
from right_hf.ranker.records import NO_GENERATION
from right_hf.selector import Candidate
from tests.support.fused import fused

WEIGHTS = LinearRanker(intercept=-1.0, log_likelihood=0.5, written=2.0, ranking=1.0, retrieved=0.25, in_post=0.5)
WVD = Candidate("wvd", 1.5, 0.5, (1.0,), ("p1",))
AZURE = Candidate("azure", 0.5, 0.1, (0.4, 0.2), ("p3", "p2"))


def trace(generation: Generation) -> Trace:
    return Trace("Ci-trix on AZURE", [], [WVD, AZURE], generation)


def test_score_worked_by_hand() -> None:
    # -1 + 0.5 * -2 + 2 * 0.5 + 1 * 1.5 + 0.25 * 1 + 0.5 * 1 = 1.25
    features = LinearFeatures(log_likelihood=-2.0, written=0.5, ranking=1.5, retrieved=1.0, in_post=1.0)
    assert WEIGHTS.probability(features) == pytest.approx(1 / (1 + math.exp(-1.25)))


def test_pool_holds_written_and_retrieved_hashtags_once() -> None:
    generation = Generation(["wvd", "citrix"], {"wvd": -0.1, "citrix": -0.5, "azure": -3.0})
    pool = linear_features(trace(generation))
    assert pool == {
        "wvd": LinearFeatures(-0.1, 1.0, 1.5, 1.0, 0.0),
        "citrix": LinearFeatures(-0.5, 0.5, 0.0, 0.0, 1.0),
        "azure": LinearFeatures(-3.0, 0.0, 0.5, 1.0, 1.0),
    }


def test_sources_and_evidence() -> None:
    generation = Generation(["wvd", "citrix"], {"wvd": -0.1, "citrix": -0.5, "azure": -3.0})
    found = {r.hashtag: (r.source, r.evidence) for r in fused(trace(generation), WEIGHTS)}
    assert found == {"wvd": ("both", ["p1"]), "citrix": ("generated", []), "azure": ("retrieved", ["p3", "p2"])}


def test_without_weights_the_answer_is_the_generators_own() -> None:
    generation = Generation(["citrix", "wvd"], {"wvd": -0.1, "citrix": -0.5, "azure": -3.0})
    found = fuse(trace(generation))
    assert [(r.hashtag, r.score) for r in found] == [("citrix", 0.6065), ("wvd", 0.9048)]


def test_ranks_speak_where_there_are_no_likelihoods() -> None:
    generation = Generation(["citrix", "wvd"], {})
    assert linear_features(trace(generation)) == {
        "citrix": LinearFeatures(0.0, 1.0, 0.0, 0.0, 1.0),
        "wvd": LinearFeatures(0.0, 0.5, 1.5, 1.0, 0.0),
        "azure": LinearFeatures(0.0, 0.0, 0.5, 1.0, 1.0),
    }
    found = fuse(trace(generation))
    assert [(r.hashtag, r.score, r.source) for r in found] == [("citrix", 1.0, "generated"), ("wvd", 0.5, "both")]
    assert {r.hashtag: r.source for r in fused(trace(generation), WEIGHTS)}["azure"] == "retrieved"
    assert fuse(trace(Generation([], {}))) == []


def test_without_a_generator_the_answer_is_the_selectors_ranking() -> None:
    found = fuse(trace(NO_GENERATION))
    assert [(r.hashtag, r.score, r.source) for r in found] == [("wvd", 1.0, "retrieved"), ("azure", 0.5, "retrieved")]
    assert [r.hashtag for r in fused(trace(NO_GENERATION), WEIGHTS)] == ["wvd", "azure"]


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "1", None, True])
def test_weights_are_finite_numbers(weight: object) -> None:
    with pytest.raises(ValueError, match="written of a linear ranker must be a finite number"):
        LinearRanker(**{**WEIGHTS.settings, "written": weight})


def test_a_saved_linear_ranker_is_loaded(tmp_path: Path) -> None:
    WEIGHTS.save_pretrained(tmp_path / "ranker")
    assert LinearRanker.from_pretrained(tmp_path / "ranker").settings == WEIGHTS.settings
    (tmp_path / "ranker" / "ranker_config.json").write_text('{"ranker_type": "linear", "intercept": 1}')
    with pytest.raises(ValueError, match="holds no linear ranker"):
        LinearRanker.from_pretrained(tmp_path / "ranker")


log_likelihoods = st.floats(min_value=-50, max_value=0)
hashtags = st.lists(st.sampled_from("abcdef"), unique=True)


@given(hashtags, hashtags, st.lists(log_likelihoods, min_size=6, max_size=6))
def test_order_range_and_determinism(written: list[str], retrieved: list[str], values: list[float]) -> None:
    candidates = [Candidate(tag, 1.0 + i, 0.0, (1.0,), (f"p{i}",)) for i, tag in enumerate(retrieved)]
    known = dict(zip("abcdef", values, strict=True))
    generation = Generation(written, {tag: known[tag] for tag in dict.fromkeys([*written, *retrieved])})
    found = fused(Trace("a post", [], candidates, generation), WEIGHTS)
    assert found == sorted(found, key=lambda r: (-r.score, r.hashtag))
    assert {r.hashtag for r in found} == {*written, *retrieved}
    assert all(0 <= r.score <= 1 for r in found)
    assert found == fused(Trace("a post", [], candidates[::-1], generation), WEIGHTS)


def test_evidence_is_found_beyond_the_scored_candidates() -> None:
    generation = Generation(["azure"], {"azure": -0.1, "wvd": -0.5})  # azure was written, and retrieved far down
    found = {r.hashtag: (r.source, r.evidence) for r in fused(trace(generation), WEIGHTS)}
    assert found == {"azure": ("both", ["p3", "p2"]), "wvd": ("retrieved", ["p1"])}
