from __future__ import annotations

import pytest

from right_hf import Candidate, Generation, Post
from right_hf.ranker import Trace
from right_hf.trainers.linear import fit_linear
from tests.support.fused import fused

pytest.importorskip("sklearn")


def trace(written: str, retrieved: str) -> Trace:
    candidates = [Candidate(retrieved, 1.0, 0.5, (1.0,), ("p",))]
    return Trace("text", [], candidates, Generation([written], {written: -0.5, retrieved: -3.0}))


def test_fusion_learns_which_source_to_trust() -> None:
    posts = [Post(str(i), "text", ("gold",)) for i in range(60)]
    trusted = [trace("gold", "wrong") for _ in posts]
    best = fused(trusted[0], fit_linear(posts, trusted))[0]
    assert (best.hashtag, best.source) == ("gold", "generated")
    assert best.score > 0.8
    mistaken = [trace("wrong", "gold") for _ in posts]
    best = fused(mistaken[0], fit_linear(posts, mistaken))[0]
    assert (best.hashtag, best.source) == ("gold", "retrieved")


def test_scores_are_calibrated() -> None:
    posts = [Post(str(i), "text", ("gold",) if i % 4 else ("other",)) for i in range(400)]
    traces = [trace("gold", "wrong") for _ in posts]
    scores = {r.hashtag: r.score for r in fused(traces[0], fit_linear(posts, traces))}
    assert scores["gold"] == pytest.approx(0.75, abs=0.02)
    assert scores["wrong"] < 0.05


def test_fitting_needs_both_kinds() -> None:
    with pytest.raises(ValueError, match="fitting needs some of either kind"):
        fit_linear([Post("1", "text", ("never",))], [trace("a", "b")])
