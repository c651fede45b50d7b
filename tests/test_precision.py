"""Weights keep the size they have on disk, however often they are loaded and saved."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from right_hf import BiEncoderSelector, Post, RightModel, Seq2SeqGenerator
from right_hf.precision import affordable, as_stored, stored_dtype, stored_in_half
from right_hf.retriever import DenseRetriever

POSTS = ["Windows desktop in the cloud"]


@pytest.fixture
def half(model: RightModel, tmp_path: Path) -> Path:
    """A checkpoint whose networks are stored in half precision."""
    generator: Seq2SeqGenerator = model.generator  # type: ignore[assignment]
    networks = copy.deepcopy(generator.model).half(), copy.deepcopy(model.selector.model).half()
    stored = Seq2SeqGenerator(networks[0], generator.tokenizer, 48, 10)
    RightModel(model.config, model.retriever, BiEncoderSelector(networks[1]), stored).save_pretrained(tmp_path / "half")
    return tmp_path / "half"


@pytest.mark.parametrize("dtype", ["auto", "float32", "bfloat16", "float16"])
def test_a_loaded_checkpoint_is_saved_at_its_size(half: Path, tmp_path: Path, dtype: str) -> None:
    loaded = RightModel.from_pretrained(half, dtype=dtype)
    loaded.save_pretrained(tmp_path / "again")
    for file in ("generator/model.safetensors", "selector/model.safetensors"):
        assert (tmp_path / "again" / file).stat().st_size == pytest.approx((half / file).stat().st_size, rel=0.01)
        before, after = load_file(half / file), load_file(tmp_path / "again" / file)
        assert before.keys() == after.keys()
        if dtype != "bfloat16":
            assert all(torch.equal(before[name], after[name]) for name in before)
    computed = {"auto": torch.float16}.get(dtype) or getattr(torch, dtype)
    assert loaded.dtype is computed, "saving changed the model in memory"
    assert RightModel.from_pretrained(tmp_path / "again").dtype is computed, "the checkpoint's own dtype is another"


def test_saving_in_half_precision_leaves_the_answers(half: Path, tmp_path: Path) -> None:
    loaded = RightModel.from_pretrained(half, dtype="float32")
    expected = loaded.recommend(POSTS)
    loaded.save_pretrained(tmp_path / "again")
    assert loaded.recommend(POSTS) == expected
    assert RightModel.from_pretrained(tmp_path / "again").recommend(POSTS) == expected


def test_a_trained_network_is_small_on_disk_and_computed_with_in_full(model: RightModel, tmp_path: Path) -> None:
    generator: Seq2SeqGenerator = model.generator  # type: ignore[assignment]
    network = stored_in_half(copy.deepcopy(generator.model))
    Seq2SeqGenerator(network, generator.tokenizer, 48, 10).save_pretrained(tmp_path)
    loaded = Seq2SeqGenerator.from_pretrained(tmp_path).model
    assert (stored_dtype(tmp_path), network.dtype, loaded.dtype) == (torch.float16, torch.float32, torch.float32)
    assert all(torch.equal(mine, its) for mine, its in zip(network.parameters(), loaded.parameters(), strict=True))


def test_only_a_smaller_dtype_on_disk_is_kept(model: RightModel, tmp_path: Path) -> None:
    network = torch.nn.Linear(2, 2).half()
    for stored in (torch.float32, torch.bfloat16, None):
        network.stored_dtype = stored  # type: ignore[assignment]
        assert as_stored(network) is network
    network.float().stored_dtype = torch.float16  # type: ignore[assignment]
    assert as_stored(network).weight.dtype is torch.float16
    assert stored_dtype(tmp_path) is None
    model.generator.save_pretrained(tmp_path / "whole")  # never loaded, so saved as it is
    assert stored_dtype(tmp_path / "whole") is torch.float32


def test_a_dense_retriever_keeps_its_encoders_size(model: RightModel, tmp_path: Path) -> None:
    half = copy.deepcopy(model.selector.model).half()
    DenseRetriever.from_posts([Post("1", "cloud", ("cloud",))], half).save_pretrained(tmp_path / "index")
    DenseRetriever.from_pretrained(tmp_path / "index").save_pretrained(tmp_path / "again")
    assert stored_dtype(tmp_path / "again" / "encoder") is torch.float16


@pytest.mark.parametrize("supported", [True, False])
def test_emulated_bfloat16_is_not_trained_in(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported, raising=False)
    asked = {"bf16": True, "use_cpu": True, "learning_rate": 0.1}
    assert affordable(asked) == asked | {"bf16": supported}
    assert affordable({"learning_rate": 0.1}) == {"learning_rate": 0.1}
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    assert affordable({"bf16": True}) == {"bf16": True}  # a GPU decides for itself
