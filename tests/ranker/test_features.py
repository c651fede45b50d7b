"""The features of the hashtags in pools: worked by hand, complete, and of a batch those of each post alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import Hit
from right_hf.generator import Generation
from right_hf.ranker import Mention, Pool, Trace
from right_hf.ranker.columns import Known, Seen
from right_hf.ranker.features import FEATURES, feature_tables, retriever_features
from right_hf.selector import Candidate
from tests.support.traces import HITS, WRITTEN, table_of, trace


def column(seen: Trace, name: str) -> dict[str, float]:
    table = table_of(seen)
    values = table.values[:, FEATURES.index(name)].tolist()
    return {tag: value for tag, value in zip(table.hashtags, values, strict=True) if value == value}


def test_features_worked_by_hand() -> None:
    seen = trace(HITS, WRITTEN)
    assert table_of(seen).hashtags == ["wvd", "azure", "citrix", "rare", "desktop", "new"]
    expected: dict[str, dict[str, float]] = {
        "bm25_votes": {"wvd": 2, "azure": 1, "citrix": 1},
        "bm25_share": {"wvd": 0.75, "azure": 0.25, "citrix": 0.25},
        "bm25_reciprocal": {"wvd": 1 / 6 + 1 / 7, "azure": 1 / 7, "citrix": 1 / 8},
        "bm25_best": {"wvd": 1, "azure": 0.5, "citrix": 0.5},
        "bm25_rank": {"wvd": 1, "azure": 2, "citrix": 3},
        "bm25_top": {"wvd": 4, "azure": 4, "citrix": 4},
        "dense_votes": {},
        "selector_ranking": {"wvd": 1.5},
        "selector_nearest": {"rare": 1, "wvd": 2},
        "generator_total": {"azure": -1.0, "new": -3.0, "wvd": -4.0},
        "generator_gap": {"azure": 0.0, "new": -2.0, "wvd": -3.0},
        "generator_rank": {"azure": 1, "new": 2},
        "recency_days": {"wvd": 0, "azure": 0},
        "mention_ends": {"desktop": 1},
        "pool_sources": {"wvd": 2, "azure": 2, "citrix": 1, "rare": 1, "desktop": 1, "new": 1},
    }
    for name, values in expected.items():
        assert column(seen, name) == pytest.approx(values, abs=1e-4), name
    assert column(seen, "string_in_post") == {
        "wvd": 0, "azure": 0, "citrix": 1, "rare": 0, "desktop": 1, "new": 0
    }  # fmt: skip
    assert column(trace(HITS[:1], WRITTEN), "recency_days") == {"wvd": 0}


@given(st.permutations(HITS), st.permutations(WRITTEN.hashtags))
def test_features_are_finite_or_missing_and_complete(hits: list[Hit], written: list[str]) -> None:
    table = table_of(trace(hits, WRITTEN._replace(hashtags=written)))
    assert table.values.shape == (6, len(FEATURES)) and table.values.dtype == np.float32
    assert not np.isinf(table.values).any()
    assert len(set(table.hashtags)) == 6
    nothing = Seen("x", [], [], Pool([], {}, [], {}), Generation([], {}), [])
    [empty] = feature_tables([nothing], Known(lambda tag: 0, lambda tag: 0, lambda tag: ()))
    assert empty.values.shape == (0, len(FEATURES))


def seen_posts() -> st.SearchStrategy[Seen]:
    tags = ["wvd", "azure", "citrix", "rare", "desktop", "new", "covid 19", "流感"]
    hits = st.lists(st.sampled_from(HITS), unique_by=lambda hit: hit.post.id)
    written = st.lists(st.sampled_from(tags), unique=True)

    @st.composite
    def build(draw: st.DrawFn) -> Seen:
        chosen = draw(st.lists(st.sampled_from(tags), unique=True))
        answer = draw(written)
        likelihoods = {tag: -draw(st.floats(0.0, 9.0)) for tag in draw(written)}
        generation = Generation(answer, likelihoods, dict.fromkeys(likelihoods, 2))
        mentions = {tag: Mention(draw(st.floats(0, 0.9)), 1, 1.0, 0.0, draw(st.booleans())) for tag in draw(written)}
        pool = Pool(chosen, {"bm25": draw(hits), "dense": draw(hits)}, draw(written), mentions, draw(written))
        hashtags = list(dict.fromkeys([*chosen, *answer]))
        candidates = [Candidate(tag, draw(st.floats(0, 3)), 0.5, (1.0,), ("p1",)) for tag in draw(written)]
        cosines = [draw(st.floats(-1, 1, width=32)) for _ in hashtags]
        return Seen(
            draw(st.sampled_from(["A Citrix Desktop", "流感", "x"])), hashtags, candidates, pool, generation, cosines
        )

    return build()


@given(st.lists(seen_posts(), max_size=5), st.sets(st.sampled_from(FEATURES), min_size=1))
def test_features_in_a_batch_are_those_of_each_post_alone(posts: list[Seen], wanted: set[str]) -> None:
    known = Known(len, lambda tag: 10, lambda tag: (2.0, 5.0) if tag != "rare" else ())
    together = feature_tables(posts, known)
    alone = [table for seen in posts for table in feature_tables([seen], known)]
    names = tuple(sorted(wanted))
    for one, other, some in zip(together, alone, feature_tables(posts, known, names), strict=True):
        assert one.hashtags == other.hashtags and one.names == other.names
        assert np.array_equal(one.values, other.values, equal_nan=True)
        columns = [one.names.index(name) for name in names]
        assert some.names == names and np.array_equal(some.values, one.values[:, columns], equal_nan=True)


def test_a_retriever_from_outside_has_columns_of_its_own() -> None:
    seen = Seen("x", ["wvd"], [], Pool(["wvd"], {"toy": HITS}, [], {}), Generation([], {}), [0.0])
    [table] = feature_tables([seen], Known(lambda tag: 1, lambda tag: 0, lambda tag: ()))
    assert table.names == (*FEATURES, *retriever_features("toy"))
    assert table.values[0, table.names.index("toy_votes")] == 2
    assert np.isnan(table.values[0, table.names.index("bm25_votes")])
    assert table.values[0, table.names.index("pool_sources")] == 1
