"""The stream of emergent hashtags in smoke size: each post is answered before it is known, and the table is whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reproduction.analysis.emergent import EMERGENT_STRATUM, RECALL_AT_5, SEEN_STRATUM
from reproduction.experiment import Experiment
from reproduction.plan import load_plan
from reproduction.report import Report
from reproduction.stream import Stream, StreamExperiment
from reproduction.stream_table import (
    NEIGHBOURS,
    RIGHT_LIVING_RANKED,
    SEQ2SEQ,
    STATIC_NEIGHBOURS,
    stream_rows,
    stream_table,
)

from right_hf.posts import Post
from tests.support.paths import ROOT
from tests.support.smoke_data import write_splits


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    folder = tmp_path_factory.mktemp("stream")
    plan = load_plan(ROOT / "training" / "configs" / "reproduce" / "smoke.yaml", "small").with_seeds((0, 1))
    data = write_splits(folder / "data", {"train": 48, "validation": 40, "test": 16})
    return Experiment(plan, data, folder / "work")


def dated(day: int, post_id: str = "") -> Post:
    return Post(post_id or f"{day}", "text", ("x",), created_at=f"2020-01-{day:02}T00:00:00Z")


def test_a_stream_is_validation_then_test() -> None:
    stream = Stream.of([dated(3), dated(1), Post("undated", "text")], [dated(5), dated(4)])
    assert ([post.id for post in stream.posts], stream.validation) == (["1", "3", "4", "5"], 2)
    with pytest.raises(ValueError, match="test post 2 is older than the validation post 3"):
        Stream.of([dated(3)], [dated(2), dated(9)])
    with pytest.raises(ValueError, match="0 of 1 validation posts and 1 of 1 test posts tell their time"):
        Stream.of([Post("undated", "text")], [dated(2)])


def test_votes_know_what_came_before_and_nothing_else(experiment: Experiment) -> None:
    stream = StreamExperiment(experiment)
    posts = stream.stream.posts
    known = {hashtag for post in experiment.posts["train"] for hashtag in post.hashtags}
    static = {tag for answer in stream.votes("static") for tag in answer.ranking}
    assert static <= known
    answers = [(answer.ranking, stream.popular()[row].ranking) for row, answer in enumerate(stream.votes("living"))]
    for row, ranked in enumerate(answers):
        earlier = {hashtag for post in posts[:row] for hashtag in post.hashtags}
        assert all(set(ranking) <= known | earlier for ranking in ranked)
    new = {tag for ranking, _ in answers for tag in ranking} - known
    assert new >= {"news of validation", "news of test"}


@pytest.mark.slow
def test_pools_are_those_of_the_time_of_the_post(experiment: Experiment) -> None:
    stream = StreamExperiment(experiment)
    posts, pools = stream.stream.posts, stream.pools(0, "living")
    counts = pools.column("corpus_count")
    ends = np.cumsum(pools.sizes)
    for row, post in enumerate(posts):
        corpus = [*experiment.posts["train"], *posts[:row]]
        for at in range(ends[row] - pools.sizes[row], ends[row]):
            uses = sum(pools.hashtags[at] in other.hashtags for other in corpus)
            assert counts[at] == pytest.approx(np.log1p(uses), abs=1e-3)
            assert pools.gold[at] == (pools.hashtags[at] in post.hashtags)
    assert np.nanmax(pools.column("popularity_hours")) > 0
    assert np.isnan(stream.pools(0, "static").column("popularity_hours")).all()


@pytest.mark.slow
def test_every_row_runs_and_is_kept(experiment: Experiment, tmp_path: Path) -> None:
    report = Report(experiment, tmp_path)
    table = stream_table(report)
    assert table in (tmp_path / "emergent.md").read_text()
    result = json.loads((tmp_path / "emergent.json").read_text())
    assert list(result["rows"]) == list(stream_rows(StreamExperiment(experiment)))
    test = {name: row["test"] for name, row in result["rows"].items()}
    assert test[STATIC_NEIGHBOURS][EMERGENT_STRATUM][RECALL_AT_5] == [0]
    assert test[NEIGHBOURS][EMERGENT_STRATUM][RECALL_AT_5][0] > 0
    assert len(test[RIGHT_LIVING_RANKED][SEEN_STRATUM][RECALL_AT_5]) == 2  # seeds
    assert result["rows"][RIGHT_LIVING_RANKED]["against"].keys() >= {NEIGHBOURS}
    assert (tmp_path / "emergent.png").stat().st_size > 1_000
    assert len(result["pieces"]) == 16
    before = experiment.store.costs()
    report.rows = [NEIGHBOURS, SEQ2SEQ]
    stream_table(report)
    assert experiment.store.costs() == before  # nothing is made twice
    rows = json.loads((tmp_path / "emergent.json").read_text())["rows"]
    assert {name for name, row in rows.items() if "not_run" not in row} == {NEIGHBOURS, SEQ2SEQ}
