from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf.persistence import load_arrays, save_arrays
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, Hit
from tests.support.damage import DAMAGES, damage

WORDS = ["alpha", "beta", "gamma", "delta", "epsilon"]
QUERY = "warm team time cloud"

texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
corpora = st.lists(texts, min_size=1, max_size=12).filter(any)
queries = st.lists(st.sampled_from([*WORDS, "unknown"]), max_size=6).map(" ".join)


def posts_of(documents: list[str]) -> list[Post]:
    """Posts whose ids are in another order than the documents."""
    ids = random.Random(0).sample(range(100, 1000), len(documents))
    return [Post(str(i), document) for i, document in zip(ids, documents, strict=True)]


def brute_force(documents: list[str], query: str, k1: float = 1.5, b: float = 0.75) -> list[float]:
    """Lucene's BM25: sum over the query's terms of idf(t) tf / (tf + k1 (1 - b + b l / L)).

    idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)); l is the length of a document, L the mean length.
    """
    words = [document.split() for document in documents]
    mean_length = sum(map(len, words)) / len(words)
    scores = []
    for document in words:
        score = 0.0
        for term in filter(document.count, query.split()):
            df = sum(term in other for other in words)
            idf = math.log(1 + (len(words) - df + 0.5) / (df + 0.5))
            tf = document.count(term)
            score += idf * tf / (tf + k1 * (1 - b + b * len(document) / mean_length))
        scores.append(score)
    return scores


def ids(hits: list[Hit]) -> list[str]:
    return [hit.post.id for hit in hits]


@settings(max_examples=60)
@given(corpora, queries, st.sampled_from([(1.5, 0.75), (0.9, 0.4), (0.0, 0.0), (2.0, 1.0)]), st.integers(1, 14))
def test_equals_brute_force(documents: list[str], query: str, parameters: tuple[float, float], k: int) -> None:
    k1, b = parameters
    posts = posts_of(documents)
    retriever = BM25Retriever.from_posts(posts, k1=k1, b=b)
    expected = {p.id: s for p, s in zip(posts, brute_force(documents, query, k1, b), strict=True) if s > 0}
    everything = retriever.search([query], len(posts))[0]
    assert {hit.post.id: hit.score for hit in everything} == pytest.approx(expected, abs=1e-4)
    assert everything == sorted(everything, key=lambda hit: (-hit.score, hit.post.id))
    assert retriever.search([query], k)[0] == everything[:k]
    # Equal posts tie, whatever their place in the corpus.
    score_of = {hit.post.id: hit.score for hit in everything}
    by_text: dict[str, set[float]] = {}
    for post in posts:
        by_text.setdefault(" ".join(sorted(post.text.split())), set()).add(score_of.get(post.id, 0.0))
    assert all(len(scores) == 1 for scores in by_text.values())


@settings(max_examples=20)
@given(corpora, queries)
def test_equals_bm25s_itself(documents: list[str], query: str) -> None:
    posts = posts_of(documents)
    reference = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    reference.index([document.split() for document in documents], show_progress=False, create_empty_token=False)
    known = [term for term in query.split() if term in reference.vocab_dict]
    scores = reference.get_scores(known) if known else np.zeros(len(posts))
    found, values = reference.retrieve([known], k=len(posts), show_progress=False) if known else ([[]], [[]])
    hits = BM25Retriever.from_posts(posts).search([query], len(posts))[0]
    expected = {post.id: float(score) for post, score in zip(posts, scores, strict=True) if score > 0}
    assert {hit.post.id: hit.score for hit in hits} == pytest.approx(expected, abs=1e-5)
    assert [hit.score for hit in hits] == pytest.approx([value for value in values[0] if value > 0], abs=1e-5)
    assert {posts[row].id for row, value in zip(found[0], values[0], strict=True) if value > 0} == set(ids(hits))


def test_worked_example() -> None:
    """Lengths 3, 1 and 2, so L = 2; df(alpha) = 2, df(beta) = 2."""
    posts = [Post("1", "alpha alpha beta"), Post("2", "alpha"), Post("3", "beta gamma")]
    hits = BM25Retriever.from_posts(posts).search(["alpha"])[0]
    idf = math.log(1 + 1.5 / 2.5)
    first = idf * 2 / (2 + 1.5 * (0.25 + 0.75 * 3 / 2))
    second = idf * 1 / (1 + 1.5 * (0.25 + 0.75 * 1 / 2))
    assert ids(hits) == ["2", "1"]
    assert [hit.score for hit in hits] == pytest.approx([second, first], abs=1e-6)


def test_ties_are_broken_by_id() -> None:
    posts = [Post(f"{i:03}", "alpha beta") for i in random.Random(1).sample(range(200), 200)]
    retriever = BM25Retriever.from_posts(posts)
    for k in (1, 7, 199, 200, 1000):
        assert ids(retriever.search(["beta"], k)[0]) == [f"{i:03}" for i in range(min(k, 200))]


def test_the_order_of_posts_does_not_matter(english_posts: list[Post], english_retriever: BM25Retriever) -> None:
    shuffled = random.Random(2).sample(english_posts, len(english_posts))
    assert BM25Retriever.from_posts(shuffled).search([QUERY]) == english_retriever.search([QUERY])


def test_queries_without_known_terms_find_nothing(english_retriever: BM25Retriever) -> None:
    assert english_retriever.search(["", "zzz", "the and of", "😀", "\x00\ud800"]) == [[]] * 5
    assert english_retriever.search([]) == []


def test_batch_equals_single(english_posts: list[Post], english_retriever: BM25Retriever) -> None:
    batch = [post.text for post in english_posts] + ["", QUERY]
    excluded = [[post.id] for post in english_posts] + [[], ["e01"]]
    assert english_retriever.search(batch, 4, excluded) == [
        english_retriever.search([text], 4, [hidden])[0] for text, hidden in zip(batch, excluded, strict=True)
    ]


@settings(max_examples=30)
@given(corpora, queries, st.sets(st.integers(0, 11)), st.integers(1, 5))
def test_exclusion_equals_leaving_the_hits_out(documents: list[str], query: str, hidden: set[int], k: int) -> None:
    posts = posts_of(documents)
    retriever = BM25Retriever.from_posts(posts)
    excluded = [posts[i].id for i in hidden if i < len(posts)] + ["no such post"]
    wanted = [hit for hit in retriever.search([query], len(posts))[0] if hit.post.id not in excluded][:k]
    assert retriever.search([query], k, [excluded])[0] == wanted


def test_chinese(chinese_posts: list[Post]) -> None:
    hits = BM25Retriever.from_posts(chinese_posts, analyser="chinese").search(["公园的樱花", "换手机电池"], 2)
    assert [ids(found) for found in hits] == [["z02", "z03"], ["z08", "z07"]]


def test_wrong_arguments_are_named(english_retriever: BM25Retriever) -> None:
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        english_retriever.search([QUERY], 0)
    with pytest.raises(ValueError, match="2 queries but 1 sets of ids"):
        english_retriever.search([QUERY, QUERY], exclude=[["e01"]])
    with pytest.raises(ValueError, match="Unknown analyser 'klingon'"):
        BM25Retriever.from_posts([Post("1", "a word")], analyser="klingon")
    with pytest.raises(ValueError, match="nothing to index"):
        BM25Retriever.from_posts([Post("1", "the and !"), Post("2", "")])
    for wrong in ({"k1": -0.1}, {"b": 1.1}, {"k1": math.nan}):
        with pytest.raises(ValueError, match="k1 must be at least 0 and b in"):
            BM25Retriever.from_posts([Post("1", "a word")], **wrong)


@pytest.fixture(scope="module")
def saved(english_posts: list[Post], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "retriever"
    BM25Retriever.from_posts(english_posts, k1=1.2, b=0.6).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "retriever"))


def test_save_and_load(saved: Path, english_posts: list[Post]) -> None:
    assert {path.suffix for path in saved.iterdir()} == {".json", ".parquet", ".safetensors", ".tsv"}
    original, loaded = BM25Retriever.from_posts(english_posts, k1=1.2, b=0.6), BM25Retriever.from_pretrained(saved)
    batch = [post.text for post in english_posts]
    assert loaded.search(batch) == original.search(batch)
    assert (loaded.analyser, loaded.k1, loaded.b) == ("unicode", 1.2, 0.6)
    assert list(loaded.corpus) == list(original.corpus)


@pytest.mark.parametrize("name", ["bm25.safetensors", "corpus.parquet", "retriever_config.json", "vocabulary.json"])
@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files_are_named_with_the_remedy(copy: Path, name: str, how: str) -> None:
    damage(copy / name, how)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"{name}.* again"):
        BM25Retriever.from_pretrained(copy)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("retriever_config.json", []),
        ("retriever_config.json", {}),
        ("vocabulary.json", {}),
        ("vocabulary.json", [["warm"], ["seas"]]),
        ("vocabulary.json", ["warm"]),
        ("retriever_config.json", {"analyser": "english", "k1": 1.5, "b": 0.75, "posts": 7}),
    ],
)
def test_files_with_other_content_are_refused(copy: Path, name: str, content: Any) -> None:
    (copy / name).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"Restore .* or index again|download the checkpoint again"):
        BM25Retriever.from_pretrained(copy)


def test_a_saved_index_with_an_unknown_analyser_is_refused(copy: Path) -> None:
    path = copy / "retriever_config.json"
    path.write_text(path.read_text().replace("unicode", "klingon"))
    with pytest.raises(ValueError, match="Unknown analyser 'klingon'"):
        BM25Retriever.from_pretrained(copy)


def test_an_index_with_scores_of_an_older_version_is_indexed_again(copy: Path, saved: Path) -> None:
    config = json.loads((copy / "retriever_config.json").read_text())
    (copy / "retriever_config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "format"}))
    scores = np.ones(3, dtype=np.float32)
    save_arrays(copy / "bm25.safetensors", {"scores": scores, "rows": np.arange(3), "starts": np.arange(3)})
    loaded = BM25Retriever.from_pretrained(copy)
    assert loaded.search([QUERY]) == BM25Retriever.from_pretrained(saved).search([QUERY])
    (copy / "retriever_config.json").write_text(json.dumps({**config, "format": 4}))
    with pytest.raises(ValueError, match=r"has the format 4.*Update right_hf, or index again"):
        BM25Retriever.from_pretrained(copy)


Arrays = dict[str, Any]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda a: {**a, "terms": a["terms"] + 1},
        lambda a: {**a, "terms": a["terms"] - 1},
        lambda a: {**a, "terms": a["terms"][:-1]},
        lambda a: {**a, "terms": a["terms"].astype(np.float64)},
        lambda a: {**a, "sizes": np.r_[-1, a["sizes"][1:-1], a["sizes"][-1] + a["sizes"][0] + 1]},
        lambda a: {**a, "sizes": a["sizes"][:-1]},
        lambda a: {**a, "sizes": np.r_[a["sizes"], 0]},
        lambda a: {**a, "codes": a["codes"] + 99},
        lambda a: {**a, "codes": a["codes"][:, None]},
        lambda a: {**a, "pair_frequencies": a["pair_frequencies"] * 0},
        lambda a: {**a, "pair_frequencies": a["pair_frequencies"] + 99},
        lambda a: {**a, "pair_lengths": a["pair_lengths"][:-1]},
    ],
)
def test_arrays_that_would_lead_the_search_astray_are_refused(copy: Path, spoil: Callable[[Arrays], Arrays]) -> None:
    """The compiled search checks no bounds, so loading must."""
    loaded, _ = load_arrays(copy / "bm25.safetensors", ("sizes", "terms", "codes", "pair_frequencies", "pair_lengths"))
    arrays = {name: array.astype(np.int64) for name, array in loaded.items()}
    save_arrays(copy / "bm25.safetensors", spoil(arrays))
    with pytest.raises(ValueError, match=r"do not belong together.*index again"):
        BM25Retriever.from_pretrained(copy)
