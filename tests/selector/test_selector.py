from __future__ import annotations

import copy
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from right_hf.persistence import load_arrays, save_arrays
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.selector import BiEncoderSelector
from tests.support.static import static_encoder

EMBEDDINGS = "hashtag_embeddings.safetensors"


@pytest.fixture(scope="module")
def encoder(tiny_selector: BiEncoderSelector) -> SentenceTransformer:
    return tiny_selector.model


@pytest.fixture
def selector(encoder: SentenceTransformer) -> BiEncoderSelector:
    """A selector that has not embedded anything yet."""
    return BiEncoderSelector(encoder)


@pytest.fixture
def encoded(encoder: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The texts of each call of the encoder."""
    calls: list[list[str]] = []
    encode = encoder.encode

    def counting(texts: list[str], **arguments: Any) -> Any:
        calls.append(texts)
        return encode(texts, **arguments)

    monkeypatch.setattr(encoder, "encode", counting)
    return calls


def test_each_distinct_hashtag_is_embedded_once(
    selector: BiEncoderSelector, encoded: list[list[str]], english_posts: list[Post], english_retriever: BM25Retriever
) -> None:
    texts = [post.text for post in english_posts]
    hits = english_retriever.search(texts, 5)
    first = selector.rank(texts, hits)
    hashtags = {tag for found in hits for hit in found for tag in hit.post.hashtags}
    assert [len(call) for call in encoded] == [len(hashtags), len(texts)]
    assert set(encoded[0]) == hashtags
    assert selector.rank(texts, hits) == first
    assert encoded[2:] == [texts]
    selector.prepare(["bread", "brand new", "brand new"])
    assert encoded[3:] == [["brand new"]]


def test_similarity_is_the_cosine_of_the_encoder(selector: BiEncoderSelector) -> None:
    posts, hashtags = ["fresh bread", "warm seas", "nothing"], [["baking", "coral"], ["coral"], []]
    found = selector.similarity(posts, hashtags)
    assert [len(row) for row in found] == [2, 1, 0]
    for post, row, cosines in zip(posts, hashtags, found, strict=True):
        for hashtag, cosine in zip(row, cosines, strict=True):
            a, b = selector.model.encode([post, hashtag])
            assert cosine == pytest.approx(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)), abs=1e-2)


def test_similarity_lies_between_minus_1_and_1(selector: BiEncoderSelector, english_posts: list[Post]) -> None:
    texts = [post.text[:n] for post in english_posts for n in range(1, len(post.text), 3)]
    cosines = [cosine for row in selector.similarity(texts, [[text] for text in texts]) for cosine in row]
    assert cosines == pytest.approx([1.0] * len(texts), abs=1e-2)
    assert all(-1 <= cosine <= 1 for cosine in cosines)


def test_embeddings_have_length_1_or_0(selector: BiEncoderSelector) -> None:
    lengths = np.linalg.norm(selector.embed(["bread", "樱花", ""]), axis=1)
    assert lengths[:2] == pytest.approx([1, 1], abs=1e-6)
    assert np.isfinite(lengths).all()
    assert selector.similarity([""], [["bread"]])[0][0] == pytest.approx(lengths[2], abs=1)


def test_batch_equals_single(
    selector: BiEncoderSelector, english_posts: list[Post], english_retriever: BM25Retriever
) -> None:
    texts = [*(post.text for post in english_posts), ""]
    hits = english_retriever.search(texts, 5)
    batch = selector.rank(texts, hits)
    single = [selector.rank([text], [found])[0] for text, found in zip(texts, hits, strict=True)]
    assert [[c.hashtag for c in row] for row in batch] == [[c.hashtag for c in row] for row in single]
    for row, other in zip(batch, single, strict=True):
        assert [c.score for c in row] == pytest.approx([c.score for c in other], abs=1e-5)
    assert batch[-1] == []


def test_an_empty_batch(selector: BiEncoderSelector) -> None:
    assert selector.rank([], []) == []
    selector.prepare([])
    assert selector.similarity(["bread"], [["baking"]])[0][0] <= 1


def test_hit_scales_differ(encoder: SentenceTransformer, english_retriever: BM25Retriever) -> None:
    hits = english_retriever.search(["warm bread"], 3)
    raw, relative = (BiEncoderSelector(encoder, scale).rank(["warm bread"], hits)[0] for scale in ("raw", "relative"))
    best = hits[0][0].score
    scores = {candidate.hashtag: candidate.hit_scores for candidate in relative}
    assert max(score for row in scores.values() for score in row) == 1
    for candidate in raw:
        assert scores[candidate.hashtag] == pytest.approx([score / best for score in candidate.hit_scores])
    with pytest.raises(ValueError, match=r"Unknown hit scale 'log'\. Known: raw, relative"):
        BiEncoderSelector(encoder, "log")


def test_kept_embeddings_are_taken_up_by_the_selector_that_made_them(
    selector: BiEncoderSelector, encoder: SentenceTransformer, encoded: list[list[str]], tmp_path: Path
) -> None:
    hashtags = ["baking", "climate change", "樱花"]
    expected = selector.similarity(["fresh bread"], [hashtags])
    selector.save_embeddings(tmp_path, list(selector._rows))
    assert [path.name for path in tmp_path.iterdir()] == [EMBEDDINGS]
    other = BiEncoderSelector(encoder)
    assert other.load_embeddings(tmp_path)
    encoded.clear()
    assert other.similarity(["fresh bread"], [hashtags]) == expected
    assert encoded == [["fresh bread"]]


def test_embeddings_of_another_selector_are_left_alone(
    selector: BiEncoderSelector, tiny_tokenizer: Any, tmp_path: Path
) -> None:
    other = BiEncoderSelector(static_encoder(tiny_tokenizer, dimensions=16, seed=1))
    assert other.fingerprint() != selector.fingerprint()
    assert not selector.load_embeddings(tmp_path)
    other.prepare(["baking"])
    other.save_embeddings(tmp_path, list(other._rows))
    expected = BiEncoderSelector(selector.model).similarity(["bread"], [["baking"]])
    assert not selector.load_embeddings(tmp_path)
    assert selector.similarity(["bread"], [["baking"]]) == expected


def test_no_embeddings_can_be_kept_too(
    selector: BiEncoderSelector, encoder: SentenceTransformer, tmp_path: Path
) -> None:
    selector.save_embeddings(tmp_path, list(selector._rows))
    other = BiEncoderSelector(encoder)
    assert other.load_embeddings(tmp_path)
    assert len(other.similarity(["bread"], [["baking"]])[0]) == 1


def test_damaged_embeddings_are_refused(selector: BiEncoderSelector, tmp_path: Path) -> None:
    selector.prepare(["baking", "bread"])
    selector.save_embeddings(tmp_path, list(selector._rows))
    path = tmp_path / EMBEDDINGS
    arrays, metadata = load_arrays(path, ("codes", "scales", "hashtags"))
    save_arrays(path, {**arrays, "codes": arrays["codes"][:1]}, metadata)
    with pytest.raises(ValueError, match=rf"{EMBEDDINGS} holds 2 hashtags but 1 embeddings\. Remove it"):
        selector.load_embeddings(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match=rf"{EMBEDDINGS} is missing, damaged"):
        selector.load_embeddings(tmp_path)


def test_save_and_load(encoder: SentenceTransformer, english_retriever: BM25Retriever, tmp_path: Path) -> None:
    selector = BiEncoderSelector(encoder, "raw")
    selector.save_pretrained(tmp_path / "selector")
    loaded = BiEncoderSelector.from_pretrained(tmp_path / "selector")
    assert loaded.hit_scale == "raw"
    assert loaded.fingerprint() == selector.fingerprint()
    hits = english_retriever.search(["warm bread"], 3)
    found, expected = (one.rank(["warm bread"], hits)[0] for one in (loaded, selector))
    assert [one.hashtag for one in found] == [one.hashtag for one in expected]
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-6)
    (tmp_path / "selector" / "selector_config.json").unlink()  # then it is any sentence-transformers model
    assert BiEncoderSelector.from_pretrained(tmp_path / "selector").hit_scale == "relative"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b"\x10" * 32),
        ("modules.json", None),
        ("modules.json", b"{"),
        ("tokenizer.json", None),
        ("tokenizer.json", b"{}"),
        ("selector_config.json", b"{"),
        ("selector_config.json", b"[]"),
        ("selector_config.json", b'{"hit_scale": "log"}'),
    ],
)
def test_damaged_folders_are_refused(
    selector: BiEncoderSelector, tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = tmp_path / "selector"
    selector.save_pretrained(folder)
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)selector.* again"):
        BiEncoderSelector.from_pretrained(folder)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match="There is no checkpoint folder"):
        BiEncoderSelector.from_pretrained(folder)


def test_another_tokenizer_gives_another_fingerprint(tiny_selector: BiEncoderSelector) -> None:
    other = copy.deepcopy(tiny_selector)
    assert other.fingerprint() == tiny_selector.fingerprint()
    other.model[0].tokenizer.add_tokens(["newtoken"])
    assert other.fingerprint() != tiny_selector.fingerprint()


def test_selector_refuses_pickle(tiny_selector: BiEncoderSelector, tmp_path: Path) -> None:
    tiny_selector.save_pretrained(tmp_path / "selector")
    (tmp_path / "selector" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match="pickle"):
        BiEncoderSelector.from_pretrained(tmp_path / "selector")


def test_growing_from_several_threads_keeps_names_and_embeddings_together(tiny_selector: BiEncoderSelector) -> None:
    selector = BiEncoderSelector(tiny_selector.model)
    tags = [f"tag {i % 40}" for i in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: selector.prepare(tags[i : i + 20]), range(0, 400, 10)))
    fresh = BiEncoderSelector(tiny_selector.model)
    for tag in set(tags):
        assert selector.similarity([tag], [[tag]]) == fresh.similarity([tag], [[tag]])
