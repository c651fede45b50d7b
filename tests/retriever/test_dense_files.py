"""A dense index on disk: saved and loaded whole, and refused with the remedy where it is damaged."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from right_hf import Post, RightConfig, RightModel
from right_hf.corpus import Corpus
from right_hf.encoders import encoder_fingerprint, load_encoder
from right_hf.generator import Seq2SeqGenerator
from right_hf.persistence import load_arrays, save_arrays
from right_hf.retriever import DenseRetriever
from right_hf.selector import BiEncoderSelector
from tests.support.damage import DAMAGES, damage
from tests.support.static import static_encoder

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture(scope="module")
def saved(dense_retriever: DenseRetriever, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "retriever"
    dense_retriever.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "retriever"))


def test_save_and_load(tiny_bert: Path, english_posts: list[Post], tmp_path: Path) -> None:
    retriever = DenseRetriever.from_posts(english_posts, load_encoder(tiny_bert))
    retriever.save_pretrained(tmp_path / "retriever")
    suffixes = {path.suffix for path in (tmp_path / "retriever").rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".parquet", ".safetensors", ".tsv", ".txt"}
    loaded = DenseRetriever.from_pretrained(tmp_path / "retriever")
    queries = [*(post.text for post in english_posts), "warm bread", ""]
    assert loaded.search(queries) == retriever.search(queries)
    assert list(loaded.corpus) == list(retriever.corpus)
    loaded.save_pretrained(tmp_path / "retriever")  # over itself
    assert DenseRetriever.from_pretrained(tmp_path / "retriever").search(queries) == retriever.search(queries)


def test_a_failed_save_leaves_the_old_index(
    folder: Path, dense_retriever: DenseRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("right_hf.retriever.dense.save_encoder", full)
    with pytest.raises(OSError, match="No space left"):
        dense_retriever.save_pretrained(folder)
    assert DenseRetriever.from_pretrained(folder).search(["bread"]) == dense_retriever.search(["bread"])
    assert [path.name for path in folder.parent.iterdir()] == ["retriever"]


@pytest.mark.parametrize(
    "name",
    [
        "retriever_config.json",
        "corpus.parquet",
        "vectors.safetensors",
        "encoder/model.safetensors",
        "encoder/modules.json",
        "encoder/tokenizer.json",
    ],
)
@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files_are_refused_with_the_remedy(folder: Path, name: str, how: str) -> None:
    damage(folder / name, how)
    with pytest.raises((ValueError, FileNotFoundError), match=rf"(?s){Path(name).parts[0]}.* again"):
        DenseRetriever.from_pretrained(folder)


@pytest.mark.parametrize("content", [[], {"posts": 3}])
def test_other_settings_are_refused(folder: Path, content: Any) -> None:
    (folder / "retriever_config.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"retriever_config\.json .* again"):
        DenseRetriever.from_pretrained(folder)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v[:-1],
        lambda v: v[:, :-1],
        lambda v: v[0],
        lambda v: v.astype(np.float32),
        lambda v: v * np.float16(2),
        lambda v: np.full_like(v, np.nan),
        lambda v: np.full_like(v, np.inf),
    ],
)
def test_vectors_that_do_not_fit_are_refused(folder: Path, spoil: Callable[[Any], Any]) -> None:
    arrays, metadata = load_arrays(folder / "vectors.safetensors", ("vectors",))
    save_arrays(folder / "vectors.safetensors", {"vectors": spoil(arrays["vectors"])}, metadata)
    with pytest.raises(ValueError, match=r"vectors\.safetensors.*index again"):
        DenseRetriever.from_pretrained(folder)


def test_another_encoder_or_corpus_beside_the_vectors_is_refused(
    folder: Path, saved: Path, tiny_tokenizer: Any, english_posts: list[Post]
) -> None:
    shutil.rmtree(folder / "encoder")
    static_encoder(tiny_tokenizer, 16, seed=2).save_pretrained(str(folder / "encoder"))
    with pytest.raises(ValueError, match="another encoder than the one beside them"):
        DenseRetriever.from_pretrained(folder)
    shutil.copytree(saved, folder, dirs_exist_ok=True)
    Corpus([Post("e00", "instead of the first"), *english_posts[1:]]).save(folder)
    with pytest.raises(ValueError, match="another corpus than the one beside them"):
        DenseRetriever.from_pretrained(folder)


def test_the_fingerprint_tells_encoders_apart(tiny_bert: Path) -> None:
    encoder = load_encoder(tiny_bert)
    known = encoder_fingerprint(encoder)
    encoder.encode(["a use of it, which sets how its tokenizer pads and cuts"])
    assert encoder_fingerprint(encoder) == known
    assert encoder_fingerprint(load_encoder(tiny_bert)) == known
    shorter, changed = copy.deepcopy(encoder), copy.deepcopy(encoder)
    shorter.max_seq_length = 5
    with torch.no_grad():
        next(changed.parameters())[0, 0] += 0.5
    pooled = copy.deepcopy(encoder)
    pooled[1].pooling_mode = "cls"
    assert len({known, *map(encoder_fingerprint, (shorter, changed, pooled))}) == 4


def test_pickle_is_refused(folder: Path) -> None:
    (folder / "encoder" / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ValueError, match="pickle"):
        DenseRetriever.from_pretrained(folder)


def test_a_checkpoint_with_a_dense_retriever(
    dense_retriever: DenseRetriever, tiny_selector: BiEncoderSelector, tiny_generator: Seq2SeqGenerator, tmp_path: Path
) -> None:
    model = RightModel(RightConfig(), dense_retriever, tiny_selector, tiny_generator)
    posts = ["warm bread", "The team moves to the cloud", ""]
    expected = model.recommend(posts)
    assert expected[0] and expected[1]
    assert model.to("cpu").device == next(dense_retriever.encoder.parameters()).device
    model.save_pretrained(tmp_path / "checkpoint")
    loaded = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert isinstance(loaded.retriever, DenseRetriever)
    assert loaded.recommend(posts) == expected
    (tmp_path / "checkpoint" / "retriever" / "vectors.safetensors").unlink()
    with pytest.raises(ValueError, match=r"vectors\.safetensors is missing"):
        RightModel.from_pretrained(tmp_path / "checkpoint")
