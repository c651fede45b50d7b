from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer

from right_hf import Post
from right_hf.analysis import english_words
from right_hf.corpus import Corpus
from right_hf.encoders import embed, embed_in_parts, unit_rows
from right_hf.retriever import DenseRetriever, Hit, vectors
from right_hf.retriever.duplicates import jaccard, search_as_unseen
from tests.support.static import static_encoder

pytestmark = pytest.mark.usefixtures("offline")

DIMENSIONS = 3
Vector = tuple[int, ...]
# Few different numbers, so that equal vectors, opposite ones and zeros are common.
vector = st.tuples(*[st.integers(-2, 2)] * DIMENSIONS)
hidden_ids = st.sets(st.integers(0, 12).map(str))


def ids(hits: list[Hit]) -> list[str]:
    return [hit.post.id for hit in hits]


def brute_force(
    corpus: list[Vector], query: Vector, k: int, hidden: Collection[str] = ()
) -> list[tuple[str, np.float32]]:
    """(id, cosine) of every post, each cosine summed up in order and in double precision; only those above 0."""
    rows = unit_rows(np.array(corpus, dtype=np.float32)).astype(np.float16).tolist()
    asked = unit_rows(np.array([query], dtype=np.float32))[0].tolist()
    scored = []
    for number, row in enumerate(rows):
        cosine = np.float32(sum(a * b for a, b in zip(asked, row, strict=True)))
        if cosine > 0 and str(number) not in hidden:
            scored.append((str(number), cosine))
    return sorted(scored, key=lambda entry: (-entry[1], entry[0]))[:k]


@pytest.fixture(scope="module")
def three_dimensions(tiny_tokenizer: Any) -> SentenceTransformer:
    return static_encoder(tiny_tokenizer, DIMENSIONS, seed=0)


def retriever_of(corpus: list[Vector], encoder: SentenceTransformer) -> DenseRetriever:
    posts = [Post(str(number), f"post {number}") for number in range(len(corpus))]
    order = [int(post.id) for post in Corpus(posts)]
    return DenseRetriever(Corpus(posts), encoder, np.array([corpus[i] for i in order], dtype=np.float32))


@settings(max_examples=80)
@given(
    st.lists(vector, min_size=1, max_size=13),
    st.lists(st.tuples(vector, hidden_ids), min_size=1, max_size=6),
    st.integers(1, 15),
    st.sampled_from([(1, 1), (3, 2), (8192, 256)]),
)
def test_exact_search_equals_brute_force(
    three_dimensions: SentenceTransformer,
    corpus: list[Vector],
    queries: list[tuple[Vector, set[str]]],
    k: int,
    blocks: tuple[int, int],
) -> None:
    retriever = retriever_of(corpus, three_dimensions)
    asked = np.array([query for query, _ in queries], dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectors, "_ROW_BLOCK", blocks[0])
        patch.setattr(vectors, "_QUERY_BLOCK", blocks[1])
        found = retriever.search_vectors(asked, k, [hidden for _, hidden in queries])
    expected = [brute_force(corpus, query, k, hidden) for query, hidden in queries]
    assert [[(hit.post.id, hit.score) for hit in hits] for hits in found] == expected


def clustered(count: int, seed: int) -> vectors.Half:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).standard_normal((40, 48))
    points = centres[rng.integers(0, 40, count)] + 0.5 * rng.standard_normal((count, 48))
    return unit_rows(points.astype(np.float32)).astype(np.float16)


def test_equal_posts_tie_in_a_corpus_of_many_blocks_and_batches_equal_single_queries() -> None:
    corpus = np.tile(clustered(7, 2), (3000, 1))  # 21,000 rows, every vector 3,000 times
    queries = clustered(300, 3).astype(np.float32)
    index = vectors.VectorIndex(corpus)
    rows, scores, counts = index.search(queries, 5, [[]] * 300)
    best = (queries.astype(np.float64) @ corpus[:7].T.astype(np.float64)).argmax(axis=1)
    positive = counts == 5
    assert positive.mean() > 0.5
    assert (rows[positive] == best[positive, None] + 7 * np.arange(5)).all()
    for at in range(0, 300, 37):
        alone = index.search(queries[at : at + 1], 5, [[]])
        assert (alone[0] == rows[at]).all()
        assert (alone[1] == scores[at]).all()


def test_search_compares_with_the_encoder(dense_retriever: DenseRetriever, english_posts: list[Post]) -> None:
    queries = ["warm bread", "our team in the cloud"]
    found = dense_retriever.search(queries, 4)
    cosines = (
        embed(dense_retriever.encoder, queries) @ embed(dense_retriever.encoder, [p.text for p in english_posts]).T
    )
    for hits, row in zip(found, cosines, strict=True):
        assert [hit.score for hit in hits] == pytest.approx(sorted(row.tolist(), reverse=True)[:4], abs=2e-3)
    assert ids(dense_retriever.search([english_posts[4].text], 1)[0]) == ["e05"]
    excluded = dense_retriever.search(queries, 4, [[found[0][0].post.id, "no such post"], ()])
    assert ids(excluded[0])[:3] == ids(found[0])[1:]
    assert excluded[1] == found[1]
    assert dense_retriever.search([]) == []


def test_a_query_without_meaning_finds_nothing(english_posts: list[Post], dense_retriever: DenseRetriever) -> None:
    zeros = np.zeros((1, 16), dtype=np.float32)
    assert dense_retriever.search_vectors(zeros) == [[]]
    assert dense_retriever.search_vectors(zeros * np.nan) == [[]]


def test_posts_of_the_corpus_are_not_encoded_again(
    dense_retriever: DenseRetriever, english_posts: list[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    encode = dense_retriever.encoder.encode

    def counting(texts: list[str], **arguments: Any) -> Any:
        calls.append(texts)
        return encode(texts, **arguments)

    monkeypatch.setattr(dense_retriever.encoder, "encode", counting)
    texts = [post.text for post in english_posts]
    assert [ids(hits)[0] for hits in dense_retriever.search(texts, 1)] == [post.id for post in english_posts]
    assert calls == []
    dense_retriever.search([texts[0], "a new one"])
    assert calls == [["a new one"]]


def test_training_posts_are_searched_without_near_duplicates(
    dense_retriever: DenseRetriever, english_posts: list[Post]
) -> None:
    found = search_as_unseen(dense_retriever, english_posts, 3, english_words)
    for post, hits in zip(english_posts, found, strict=True):
        terms = english_words(post.text)
        assert post.id not in ids(hits)
        assert all(jaccard(terms, english_words(hit.post.text)) < 0.7 for hit in hits)
        everything = dense_retriever.search([post.text], 12, [[post.id]])[0]
        assert hits == [hit for hit in everything if jaccard(terms, english_words(hit.post.text)) < 0.7][:3]
    assert "e03" not in ids(found[1])


def test_wrong_arguments_are_named(dense_retriever: DenseRetriever, english_posts: list[Post]) -> None:
    corpus, encoder = dense_retriever.corpus, dense_retriever.encoder
    with pytest.raises(TypeError, match=r"Pass \['bread'\]"):
        dense_retriever.search("bread")
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        dense_retriever.search(["bread"], 0)
    with pytest.raises(ValueError, match="1 queries but 2 sets of ids"):
        dense_retriever.search(["bread"], exclude=[(), ()])
    with pytest.raises(ValueError, match=r"shape \(3, 16\).* need float16 of shape \(12, 16\)"):
        DenseRetriever(corpus, encoder, vectors=np.ones((3, 16), dtype=np.float32))
    spoilt = np.ones((12, 16), dtype=np.float32)
    spoilt[4, 3] = np.nan
    with pytest.raises(ValueError, match="vector of post 'e05' is no unit vector"):
        DenseRetriever(corpus, encoder, vectors=spoilt)


def test_a_long_embedding_goes_on_where_it_was_stopped(
    three_dimensions: SentenceTransformer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("right_hf.encoders._PART", 4)
    texts = [f"post number {number}" for number in range(10)]
    calls: list[int] = []

    def stopping(model: Any, texts: list[str], batch_size: int) -> Any:
        calls.append(len(texts))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return embed(model, texts, batch_size)

    monkeypatch.setattr("right_hf.encoders.embed", stopping)
    with pytest.raises(KeyboardInterrupt):
        embed_in_parts(three_dimensions, texts, tmp_path / "parts")
    found = embed_in_parts(three_dimensions, texts, tmp_path / "parts")
    assert calls == [4, 4, 4, 2]
    assert found == pytest.approx(embed(three_dimensions, texts), abs=1e-6)
    embed_in_parts(three_dimensions, texts[::-1], tmp_path / "parts")
    assert calls == [4, 4, 4, 2, 4, 4, 2]
