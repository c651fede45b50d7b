"""A search that skips posts finds the very hits, to the last bit of each score, of one that sums all of them."""

from __future__ import annotations

import random
from collections.abc import Collection
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf import BM25Retriever, Post
from right_hf.analysis import unicode_words
from right_hf.retriever import index
from right_hf.retriever.index import inverse_document_frequency, term_weight

Found = list[tuple[str, float]]
K1, B = 1.5, 0.75
#: No pruning, some, and nothing else.
PATIENCES = [0.0, 1.0, 1e9]

corpora = st.builds(
    lambda seed, count, words, longest: made_up(random.Random(seed), count, words, longest),
    st.integers(0, 10**6),
    st.integers(1, 500),
    st.sampled_from([2, 8, 60]),
    st.sampled_from([1, 4, 12, 90]),
)


def made_up(chance: random.Random, count: int, words: int, longest: int) -> list[Post]:
    """Posts of words as common as 1 / rank, in which terms repeat and scores tie."""
    names, shares = [f"w{i}" for i in range(words)], [1 / (i + 1) for i in range(words)]
    return [
        Post(f"{i:04}", " ".join(chance.choices(names, shares, k=chance.randint(0, longest)))) for i in range(count)
    ]


def summed(posts: list[Post], query: str, k: int, hidden: Collection[str] = ()) -> Found:
    """The best posts, of each of which the score is summed in float32 in the order of the query's terms."""
    words = {post.id: unicode_words(post.text) for post in posts}
    mean_length = sum(map(len, words.values())) / len(posts)
    holders = {term: {i for i, found in words.items() if term in found} for term in unicode_words(query)}
    scores: dict[str, np.float32] = {}
    weights: dict[tuple[int, int], np.float32] = {}
    for term in unicode_words(query):
        idf = inverse_document_frequency(len(posts), np.array([len(holders[term])])).astype(np.float32)[0]
        for post_id in holders[term]:
            pair = (words[post_id].count(term), len(words[post_id]))
            if pair not in weights:
                weights[pair] = np.float32(term_weight(*map(np.array, pair), mean_length, K1, B))
            scores[post_id] = scores.get(post_id, np.float32(0)) + idf * weights[pair]
    kept = ((post_id, float(score)) for post_id, score in scores.items() if post_id not in hidden)
    return sorted(kept, key=lambda hit: (-hit[1], hit[0]))[:k]


def found(retriever: BM25Retriever, queries: list[str], k: int, hidden: list[list[str]]) -> list[Found]:
    return [[(hit.post.id, hit.score) for hit in hits] for hits in retriever.search(queries, k, hidden)]


@settings(max_examples=20, deadline=None)
@given(corpora, st.integers(0, 10**6), st.sampled_from([1, 3, 10, 50, 600]), st.sampled_from(PATIENCES))
def test_pruned_equals_summed(posts: list[Post], seed: int, k: int, patience: float) -> None:
    """Over corpora that change: the weights change with the mean length, and parts and removed posts come about."""
    chance = random.Random(seed)
    texts = [chance.choice(posts).text for _ in range(4)]
    queries = [*texts, "w0", "w1 w0 w1 w1", "w0 unknown w1", " ".join(f"w{i}" for i in range(70))]
    hidden = [[chance.choice(posts).id for _ in range(chance.randint(0, 9))] for _ in queries]
    kept = [*posts[: len(posts) // 2], Post("a", "w0 w1 w2 w0")]
    retriever = BM25Retriever.from_posts(kept)
    with mock.patch.object(index, "PATIENCE", patience):
        for change in ("add", "remove", "update"):
            if change == "add":
                new = posts[len(posts) // 2 :]
                for some in (new[::2], new[1::2][:3], new[1::2][3:]):
                    retriever.add(some)
                kept = kept + new
            elif change == "remove":
                gone = {post.id for post in chance.sample(kept[:-1], len(kept) // 5)} - {"a"}
                retriever.remove(gone)
                kept = [post for post in kept if post.id not in gone]
            else:
                texts = [post.text for post in kept]
                updated = [Post(post.id, chance.choice(texts)) for post in chance.sample(kept, len(kept) // 6)]
                retriever.update(updated)
                kept = list(({post.id: post for post in kept} | {post.id: post for post in updated}).values())
            if not any(post.text for post in kept):
                return
            assert found(retriever, queries, k, hidden) == [
                summed(kept, query, k, banned) for query, banned in zip(queries, hidden, strict=True)
            ]


@pytest.mark.parametrize("patience", PATIENCES)
@pytest.mark.parametrize("block", [1, 40, 64, 65_536])
def test_blocks_and_patience_change_nothing(block: int, patience: float, monkeypatch: pytest.MonkeyPatch) -> None:
    posts = made_up(random.Random(block), 700, 40, 5)
    queries = [*(post.text for post in made_up(random.Random(1), 30, 60, 8)), "w3", "w39 w0", "w0 w1 w2"]
    retriever = BM25Retriever.from_posts(posts)
    gone = [post.id for post in posts[::7]]
    retriever.remove(gone)
    hidden = [[post.id for post in random.Random(number).sample(posts, 20)] for number in range(len(queries))]
    monkeypatch.setattr(index, "PATIENCE", patience)
    monkeypatch.setattr(index, "BLOCK", block)
    left = [post for post in posts if post.id not in gone]
    for k in (1, 10, 800):
        assert found(retriever, queries, k, hidden) == [
            summed(left, query, k, banned) for query, banned in zip(queries, hidden, strict=True)
        ]


def test_bounds_that_equal_a_score_do_not_lose_it() -> None:
    """Equal posts tie at the last place; those with the smaller ids stay, though they are gone through in any order."""
    posts = [Post(f"{i:04}", "alpha beta" if i % 3 else "beta alpha alpha") for i in range(999)]
    retriever = BM25Retriever.from_posts(posts)
    for k in (1, 5, 332, 334, 700):
        for query in ("alpha", "alpha beta", "beta alpha beta"):
            assert found(retriever, [query], k, [[]]) == [summed(posts, query, k)]


def test_posts_without_terms_are_in_no_group() -> None:
    retriever = BM25Retriever.from_posts([Post("1", "alpha"), Post("2", ""), Post("3", "the")])
    [postings] = retriever._index.postings
    assert (postings.order.tolist(), postings.group_starts.tolist()) == ([0, 1, 2], [0, 1])
    assert found(retriever, ["alpha"], 5, [[]]) == [summed(list(retriever.corpus), "alpha", 5)]
    retriever.remove(["1"])
    retriever.add([Post("4", "")])
    assert found(retriever, ["alpha"], 5, [[]]) == [[]]


def test_groups_go_by_the_highest_frequency_and_the_length() -> None:
    texts = ["a1 b1 b1", "a1 c1", "b1 a1 a1 a1", "a1", "b1 c1", "c1 c1"]
    [postings] = BM25Retriever.from_posts([Post(f"{i}", text) for i, text in enumerate(texts)])._index.postings
    assert postings.order.tolist() == [3, 1, 4, 5, 0, 2]
    assert postings.group_starts.tolist() == [0, 1, 3, 4, 5, 6]
    assert all(int(signature).bit_count() in (1, 2, 3) for signature in postings.signatures)
