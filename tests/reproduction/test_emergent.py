"""Emergent hashtags: what is new, and recall and F1 over the gold of each kind, on worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reproduction.analysis.emergent import (
    EMERGENT_STRATUM,
    F1_AT_1,
    FEW_USES,
    FIRST_USE,
    MANY_USES,
    RECALL_AT_5,
    SEEN,
    SEEN_STRATUM,
    STRATA,
    gold_kinds,
    gold_of,
    in_order_of_time,
    recall_share,
    stratum_statistics,
    time_bins,
)

from right_hf.metrics import micro_f1_at_k
from right_hf.posts import Post

TAGS = ["old", "older", "new", "newer"]
KNOWN = {"old", "older"}

streams = st.lists(st.lists(st.sampled_from(TAGS), unique=True, max_size=3).map(tuple), min_size=1, max_size=20).map(
    lambda rows: [Post(f"{i:02}", "text", hashtags) for i, hashtags in enumerate(rows)]
)
rankings = st.lists(st.permutations([*TAGS, "a", "b", "c"]), min_size=20, max_size=20)


def test_a_stream_is_in_order_of_time_whatever_the_zone() -> None:
    posts = [
        Post("b", "text", created_at="2020-01-01T01:00:00+00:00"),
        Post("a", "text", created_at="2020-01-01T02:00:00+02:00"),  # an hour earlier
        Post("d", "text", created_at="2020-01-01T01:00:00Z"),
        Post("undated", "text"),
        Post("empty", "", created_at="2020-01-01T01:00:00Z"),
        Post("no time", "text", created_at="yesterday"),
    ]
    assert [post.id for post in in_order_of_time(posts)] == ["a", "b", "d"]


def test_kinds_of_gold_by_earlier_uses_in_the_stream() -> None:
    stream = [Post(f"{i}", "text", ("new", "old")) for i in range(7)]
    kinds = gold_kinds(stream, KNOWN)
    assert [found["new"] for found in kinds] == [FIRST_USE, *[FEW_USES] * 4, *[MANY_USES] * 2]
    assert {found["old"] for found in kinds} == {SEEN}  # however often


def test_scores_of_a_stratum_by_hand() -> None:
    stream = [
        Post("1", "text", ("old", "new")),
        Post("2", "text", ("new", "newer")),
        Post("3", "text", ("older",)),
        Post("4", "text", ()),
    ]
    ranked = [["new", "old"], ["a", "b", "c", "d", "new", "newer"], ["older"], ["old"]]
    kinds = gold_kinds(stream, KNOWN)
    emergent = gold_of(kinds, STRATA[EMERGENT_STRATUM])
    assert (emergent.rows.tolist(), emergent.gold) == ([0, 1], [["new"], ["new", "newer"]])
    scores = stratum_statistics(ranked, emergent)
    assert scores[RECALL_AT_5].score() == 2 / 3  # "newer" is sixth
    assert scores[F1_AT_1].score() == 2 * 1 / (2 + 3)
    seen = stratum_statistics(ranked, gold_of(kinds, STRATA[SEEN_STRATUM]))
    assert seen[RECALL_AT_5].score() == 1
    assert seen[F1_AT_1].score() == 2 * 1 / (2 + 2)  # of the first post the hashtag of the other stratum comes first
    assert recall_share([ranked], kinds).share == pytest.approx(2 / 3)


@given(streams, rankings)
def test_strata_divide_the_gold(stream: list[Post], ranked: list[list[str]]) -> None:
    ranked = ranked[: len(stream)]
    kinds = gold_kinds(stream, KNOWN)
    assert [set(found) for found in kinds] == [set(post.hashtags) for post in stream]
    parts = {name: gold_of(kinds, wanted) for name, wanted in STRATA.items()}
    finest = [part for name, part in parts.items() if name == SEEN_STRATUM or "use" in name]
    gold = sum(len(post.hashtags) for post in stream)
    assert sum(len(found) for part in finest for found in part.gold) == gold
    # Summed over the strata the matches are those of all gold together.
    if gold:
        every = stratum_statistics(ranked, gold_of(kinds, frozenset.union(*STRATA.values())))
        found = sum(stratum_statistics(ranked, part)[RECALL_AT_5].numerator.sum() for part in finest if len(part.rows))
        assert every[RECALL_AT_5].numerator.sum() == found
        with_gold = [row for row, post in enumerate(stream) if post.hashtags]
        expected = micro_f1_at_k([ranked[row] for row in with_gold], [stream[row].hashtags for row in with_gold], 1)
        assert every[F1_AT_1].score() == pytest.approx(expected.f1)


@given(streams)
def test_what_comes_later_changes_no_kind(stream: list[Post]) -> None:
    half = len(stream) // 2
    assert gold_kinds(stream, KNOWN)[:half] == gold_kinds(stream[:half], KNOWN)
    # A living corpus could know a hashtag exactly where its kind says so.
    for row, found in enumerate(gold_kinds(stream, KNOWN)):
        earlier = {hashtag for post in stream[:row] for hashtag in post.hashtags}
        assert all((kind == FIRST_USE) == (tag not in KNOWN | earlier) for tag, kind in found.items())


def test_the_share_has_an_interval_and_needs_both_kinds() -> None:
    stream = [Post(f"{i:03}", "text", ("new",) if i % 2 else ("old",)) for i in range(200)]
    kinds = gold_kinds(stream, KNOWN)
    ranked = [["new"] if i % 4 == 1 else ["old"] for i in range(200)]  # half of the new, all of the old
    share, low, high = recall_share([ranked], kinds)
    assert share == pytest.approx(0.5)
    assert 0.35 < low < 0.5 < high < 0.65
    assert recall_share([[["old", "new"]] * 200] * 2, kinds) == (1, 1, 1)
    with pytest.raises(ValueError, match="Of 100 gold hashtags seen in training 0 are found"):
        recall_share([[["new"]] * 200], kinds)
    with pytest.raises(ValueError, match="and 0 were never seen"):
        recall_share([ranked], gold_kinds(stream, {"old", "new"}))


@given(st.integers(0, 100), st.integers(1, 30))
def test_pieces_of_a_stream(length: int, bins: int) -> None:
    pieces = time_bins(length, bins)
    assert [row for first, last in pieces for row in range(first, last)] == list(range(length))
    sizes = [last - first for first, last in pieces]
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert len(pieces) == min(bins, length)


def test_a_stream_needs_a_piece() -> None:
    with pytest.raises(ValueError, match="at least 1 piece, got 0"):
        time_bins(5, 0)
