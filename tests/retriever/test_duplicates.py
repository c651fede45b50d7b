from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.analysis import chinese_bigrams, english_words
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.retriever.duplicates import NEAR_DUPLICATE_OVERLAP, jaccard, search_as_unseen

terms = st.lists(st.sampled_from("abcd"))


def test_jaccard() -> None:
    assert jaccard(["a", "b", "b"], ["b", "c"]) == pytest.approx(1 / 3)
    assert jaccard([], []) == jaccard(["a"], []) == 0
    assert jaccard("abc", "cba") == 1


@given(terms, terms)
def test_jaccard_is_symmetric_and_1_only_for_equal_sets(a: list[str], b: list[str]) -> None:
    assert jaccard(a, b) == jaccard(b, a)
    assert 0 <= jaccard(a, b) <= 1
    assert (jaccard(a, b) == 1) == (set(a) == set(b) != set())


@pytest.mark.parametrize("language", ["english", "chinese"])
def test_a_training_post_sees_neither_itself_nor_its_near_duplicates(
    language: str, request: pytest.FixtureRequest
) -> None:
    posts: list[Post] = request.getfixturevalue(f"{language}_posts")
    analyse = english_words if language == "english" else chinese_bigrams
    retriever = BM25Retriever.from_posts(posts, analyser=language)
    found = search_as_unseen(retriever, posts, 5, analyse)
    for post, hits in zip(posts, found, strict=True):
        assert post.id not in {hit.post.id for hit in hits}
        assert all(jaccard(analyse(post.text), analyse(hit.post.text)) < NEAR_DUPLICATE_OVERLAP for hit in hits)
        assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.post.id))
        assert len(hits) <= 5
    original, copy = posts[1], posts[2]
    plain = retriever.search([original.text], 2)[0]
    assert {hit.post.id for hit in plain} == {original.id, copy.id}  # so there was something to leave out
    assert copy.id not in {hit.post.id for hit in found[1]}
    assert found[1], "other posts are still found"


def test_the_overlap_decides() -> None:
    posts = [Post("1", "alpha beta gamma delta"), Post("2", "alpha beta gamma omega"), Post("3", "alpha sigma")]
    retriever = BM25Retriever.from_posts(posts)

    def found(overlap: float) -> list[str]:
        return [hit.post.id for hit in search_as_unseen(retriever, posts[:1], 3, english_words, overlap)[0]]

    assert found(3 / 5) == ["3"]  # posts 1 and 2 share 3 of 5 terms
    assert found(0.61) == ["2", "3"]
    assert found(0.0) == []


def test_near_duplicates_do_not_take_the_places_of_other_hits() -> None:
    copies = [Post(f"copy {i}", "alpha beta gamma") for i in range(4)]
    others = [Post(f"other {i}", "alpha sigma tau") for i in range(3)]
    retriever = BM25Retriever.from_posts([*copies, *others])
    hits = search_as_unseen(retriever, copies[:1], 2, english_words)[0]
    assert [hit.post.id for hit in hits] == ["other 0", "other 1"]


def test_a_crowd_of_near_duplicates_does_not_hide_the_rest() -> None:
    crowd = [Post(f"c{i:02d}", "late goal wins the match for the home team", ("goal",)) for i in range(40)]
    rest = [Post("r1", "the match was long", ("other",)), Post("r2", "a team plays at home", ("home",))]
    retriever = BM25Retriever.from_posts([*crowd, *rest])
    hits = search_as_unseen(retriever, crowd[:1], 2, english_words)[0]
    assert sorted(hit.post.id for hit in hits) == ["r1", "r2"]
