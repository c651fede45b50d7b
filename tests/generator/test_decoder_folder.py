"""A decoder-only generator in a folder of its own and in a checkpoint."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from right_hf import RightModel
from right_hf.generator import DecoderGenerator
from right_hf.registry import load_component
from right_hf.trainers.linear import fit_linear
from tests.conftest import CHINESE, ENGLISH
from tests.generator.test_decoder import POSTS, generate
from tests.support.fused import fused


@pytest.fixture
def folder(tiny_decoder: DecoderGenerator, tmp_path: Path) -> Path:
    tiny_decoder.save_pretrained(tmp_path / "generator")
    return tmp_path / "generator"


def test_save_and_load(tiny_decoder: DecoderGenerator, folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".jinja"}
    settings = json.loads((folder / "generator_config.json").read_text(encoding="utf-8"))
    assert settings == {
        "generator_type": "decoder", "language": "en", "template": "short", "max_prompt_length": 128,
        "max_target_length": 16,
    }  # fmt: skip
    loaded = DecoderGenerator.from_pretrained(folder)
    assert generate(loaded) == generate(tiny_decoder)
    assert isinstance(load_component("generator", folder), DecoderGenerator)


def test_a_plain_model_folder_gets_the_papers_prompt(tiny_decoder: DecoderGenerator, folder: Path) -> None:
    (folder / "generator_config.json").unlink()
    with pytest.raises(ValueError, match=r"= 576 exceeds the model's context of 512"):
        load_component("generator", folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 600}), encoding="utf-8")
    loaded = load_component("generator", folder)
    assert isinstance(loaded, DecoderGenerator)
    assert (loaded.format.template, loaded.format.max_prompt_length, loaded.format.max_target_length) == (
        "paper", 512, 64,
    )  # fmt: skip
    assert len(loaded.generate(["bread"], [[]], [["bread"]])[0].log_likelihoods) >= 1


def test_a_template_that_there_is_not(folder: Path) -> None:
    (folder / "generator_config.json").write_text('{"template": "mine"}')
    with pytest.raises(ValueError, match=r"(?s)generator.* again"):
        DecoderGenerator.from_pretrained(folder)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_stay_as_they_are_stored(tiny_decoder: DecoderGenerator, tmp_path: Path, dtype: torch.dtype) -> None:
    form, half = tiny_decoder.format, copy.deepcopy(tiny_decoder.network).bfloat16()
    DecoderGenerator(half, form.tokenizer, "en", "short", 128, 16).save_pretrained(tmp_path / "half")
    loaded = DecoderGenerator.from_pretrained(tmp_path / "half", dtype=dtype)
    assert loaded.network.dtype == dtype
    assert sum(len(generation.hashtags) for generation in generate(loaded)) >= 3
    loaded.save_pretrained(tmp_path / "again")
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("half", "again"))
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_auto_means_the_checkpoints_own_precision(tiny_decoder: DecoderGenerator, tmp_path: Path) -> None:
    form, half = tiny_decoder.format, copy.deepcopy(tiny_decoder.network).bfloat16()
    DecoderGenerator(half, form.tokenizer, "en", "short", 128, 16).save_pretrained(tmp_path / "half")
    assert DecoderGenerator.from_pretrained(tmp_path / "half").network.dtype is torch.bfloat16
    assert load_component("generator", tmp_path / "half", dtype="float16").network.dtype is torch.float16
    # Stored in half precision for its size alone, it is computed in full precision ever after.
    DecoderGenerator.from_pretrained(tmp_path / "half", dtype="float32").save_pretrained(tmp_path / "small")
    assert DecoderGenerator.from_pretrained(tmp_path / "small").network.dtype is torch.float32
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "small")]
    assert sizes[0] == sizes[1]


def test_a_device_map_reaches_the_network(tiny_decoder: DecoderGenerator, folder: Path) -> None:
    pytest.importorskip("accelerate")
    spread = {"model": "cpu", "lm_head": "disk"}
    loaded = DecoderGenerator.from_pretrained(folder, device_map=spread, device="meta")
    assert loaded.model.hf_device_map == spread, "it was moved, or put elsewhere"
    assert generate(loaded) == generate(tiny_decoder)
    assert DecoderGenerator.from_pretrained(folder, device_map="cpu", device="meta").network.device.type == "cpu"


@pytest.fixture
def composite(model: RightModel, tiny_decoder: DecoderGenerator) -> RightModel:
    return RightModel(model.config, model.retriever, model.selector, tiny_decoder)


def test_as_part_of_a_checkpoint(composite: RightModel, tmp_path: Path) -> None:
    found = composite.recommend(POSTS)
    assert {"generated", "retrieved", "both"} & {one.source for row in found for one in row}
    composite.save_pretrained(tmp_path / "checkpoint")
    loaded = RightModel.from_pretrained(tmp_path / "checkpoint", dtype="float32")
    assert loaded.recommend(POSTS) == found
    assert loaded.dtype is torch.float32 and str(loaded.device) == "cpu"
    assert RightModel.from_pretrained(tmp_path / "checkpoint", dtype="bfloat16").dtype is torch.bfloat16


def test_its_settings_are_for_no_other_generator(model: RightModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "t5")
    for settings in ({"merge": True}, {"quantization": "4bit"}):
        with pytest.raises(
            TypeError, match=rf"Unknown argument '{next(iter(settings))}': no part.*generator 'seq2seq'"
        ):
            RightModel.from_pretrained(tmp_path / "t5", **settings)
        with pytest.raises(TypeError, match=rf"{next(iter(settings))} is no option of a generator of type 'seq2seq'"):
            load_component("generator", tmp_path / "t5" / "generator", **settings)
    loaded = RightModel.from_pretrained(tmp_path / "t5", quantization=None, device_map=None)
    assert loaded.recommend(POSTS) == model.recommend(POSTS)


def test_likelihoods_flow_into_calibrated_scores(composite: RightModel) -> None:
    posts = [*ENGLISH, *CHINESE]
    traces = composite.trace([post.text for post in posts])
    ranker = fit_linear(posts, traces)
    assert ranker.weights.log_likelihood > 0, "a likelier hashtag is the author's more often"
    scores = [(one, post) for post, trace in zip(posts, traces, strict=True) for one in fused(trace, ranker)]
    assert all(0 <= one.score <= 1 for one, _ in scores)
    hits = sum(one.hashtag in post.hashtags for one, post in scores)
    assert sum(one.score for one, _ in scores) == pytest.approx(hits, rel=0.05), "mean score equals the share of gold"
