"""Hybrid retrieval: the fusion of ranks, and a retriever of two."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import BM25Retriever, DenseRetriever, Hit, HybridRetriever, Post
from right_hf.registry import load_component
from right_hf.retriever import fused_hits, reciprocal_ranks, summed_votes, votes

QUERIES = ["warm seas and the coral reef", "sourdough bread in a warm kitchen", "a smooth cloud migration"]

rankings = st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=4)


@pytest.fixture(scope="module")
def hybrid(english_posts: list[Post], dense_retriever: DenseRetriever) -> HybridRetriever:
    return HybridRetriever(BM25Retriever.from_posts(english_posts), dense_retriever)


def test_reciprocal_ranks_worked_by_hand() -> None:
    assert reciprocal_ranks([["a", "b"], ["b", "c"]]) == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 62})
    assert reciprocal_ranks([["a"]], constant=0) == {"a": 1.0}
    assert reciprocal_ranks([]) == {}


@given(rankings)
def test_fused_ranks_do_not_depend_on_the_order_of_the_rankings(lists: list[list[str]]) -> None:
    scores = reciprocal_ranks(lists)
    assert scores == pytest.approx(reciprocal_ranks(lists[::-1]))
    assert set(scores) == {item for ranking in lists for item in ranking}
    assert all(0 < score <= len(lists) / 61 for score in scores.values())


@given(rankings, st.sampled_from("abcdef"))
def test_one_more_first_place_never_does_harm(lists: list[list[str]], item: str) -> None:
    before, after = reciprocal_ranks(lists), reciprocal_ranks([*lists, [item]])
    place = sorted(after, key=lambda tag: (-after[tag], tag)).index(item)
    if item in before:
        assert place <= sorted(before, key=lambda tag: (-before[tag], tag)).index(item)


def test_votes_are_summed_scores() -> None:
    hits = [Hit(Post("1", "", ("a", "b")), 3.0), Hit(Post("2", "", ("b",)), 1.0)]
    assert votes(hits) == {"a": 3.0, "b": 4.0}
    assert summed_votes(hits) == ["b", "a"]


def test_hits_are_those_of_both_by_their_ranks(hybrid: HybridRetriever) -> None:
    found = hybrid.search_parts(QUERIES, 3)
    assert list(found) == ["bm25", "dense"] == list(hybrid.parts)
    for row, hits in enumerate(hybrid.search(QUERIES, 3)):
        ranks = reciprocal_ranks([hit.post.id for hit in lists[row]] for lists in found.values())
        assert [(hit.post.id, hit.score) for hit in hits] == sorted(
            ranks.items(), key=lambda item: (-item[1], item[0])
        )[:3]


def test_fewer_hits_are_the_first_of_more(hybrid: HybridRetriever) -> None:
    assert [hits[:2] for hits in hybrid.search(QUERIES, 10)] == hybrid.search(QUERIES, 2)
    assert hybrid.search(QUERIES)[1] == hybrid.search(QUERIES[1:2])[0]  # alone as in a batch


def test_excluded_posts_are_found_by_neither(hybrid: HybridRetriever) -> None:
    first = [hits[0].post.id for hits in hybrid.search(QUERIES, 1)]
    hidden = hybrid.search(QUERIES, 20, exclude=[(post_id,) for post_id in first])
    assert all(post_id not in {hit.post.id for hit in hits} for post_id, hits in zip(first, hidden, strict=True))


def test_a_retriever_of_one_part_is_itself(english_retriever: BM25Retriever, dense_retriever: DenseRetriever) -> None:
    for name, retriever in (("bm25", english_retriever), ("dense", dense_retriever)):
        found = retriever.search_parts(QUERIES, 5)
        assert list(found) == [name]
        assert fused_hits(found, 5) == retriever.search(QUERIES, 5)


def test_arguments_are_checked(hybrid: HybridRetriever) -> None:
    with pytest.raises(TypeError, match="takes a list of queries"):
        hybrid.search("one query")
    with pytest.raises(ValueError, match="k must be at least 1"):
        hybrid.search(QUERIES, 0)
    with pytest.raises(TypeError, match="cannot change"):
        hybrid.add([Post("new", "a post", ("a",))])


def test_both_must_hold_the_same_posts(english_posts: list[Post], dense_retriever: DenseRetriever) -> None:
    with pytest.raises(ValueError, match="hold different posts"):
        HybridRetriever(BM25Retriever.from_posts(english_posts[:5]), dense_retriever)
    with pytest.raises(ValueError, match="two or more retrievers of different types, got dense, dense"):
        HybridRetriever(dense_retriever, dense_retriever)


def test_saved_and_loaded_it_finds_the_same(hybrid: HybridRetriever, tmp_path: Path) -> None:
    hybrid.save_pretrained(tmp_path / "index")
    loaded = load_component("retriever", tmp_path / "index")
    assert isinstance(loaded, HybridRetriever)
    assert loaded.search(QUERIES, 4) == hybrid.search(QUERIES, 4)


def test_parts_of_different_indexes_are_refused(hybrid: HybridRetriever, tmp_path: Path) -> None:
    hybrid.save_pretrained(tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "bm25")
    BM25Retriever.from_posts([Post("x", "some other post", ("a",))]).save_pretrained(tmp_path / "index" / "bm25")
    with pytest.raises(ValueError, match=r"hold different posts.*index again"):
        HybridRetriever.from_pretrained(tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "bm25")
    with pytest.raises(FileNotFoundError):
        HybridRetriever.from_pretrained(tmp_path / "index")


def test_a_hybrid_from_before_its_parts_were_named(hybrid: HybridRetriever, tmp_path: Path) -> None:
    hybrid.save_pretrained(tmp_path / "index")
    file = tmp_path / "index" / "retriever_config.json"
    saved = json.loads(file.read_text())
    assert saved.pop("parts") == ["bm25", "dense"]
    file.write_text(json.dumps(saved))
    assert HybridRetriever.from_pretrained(tmp_path / "index").search(QUERIES, 4) == hybrid.search(QUERIES, 4)
    file.write_text(json.dumps(saved | {"parts": ["../elsewhere", "dense"]}))
    with pytest.raises(ValueError, match="names no parts"):
        HybridRetriever.from_pretrained(tmp_path / "index")


def test_a_wrong_count_is_refused(hybrid: HybridRetriever, tmp_path: Path) -> None:
    hybrid.save_pretrained(tmp_path / "index")
    file = tmp_path / "index" / "retriever_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"posts": 3}))
    with pytest.raises(ValueError, match="says 3 posts"):
        HybridRetriever.from_pretrained(tmp_path / "index")
