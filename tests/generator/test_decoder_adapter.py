"""A LoRA adapter as generator: saved without its base, and loaded on that very base at its own revision."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from right_hf.generator import DecoderGenerator
from right_hf.generator.decoder_base import Base, fingerprint
from right_hf.registry import load_component
from tests.generator.test_decoder import assert_equal, generate
from tests.support.tiny_llm import lora

pytestmark = pytest.mark.slow

ADAPTER_FILES = {"adapter_config.json", "adapter_model.safetensors", "generator_config.json", "tokenizer.json",
                 "tokenizer_config.json"}  # fmt: skip


@pytest.fixture
def folder(adapter: DecoderGenerator, tmp_path: Path) -> Path:
    adapter.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def edit(file: Path, **change: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")


def test_the_adapter_alone_is_saved(
    tiny_decoder: DecoderGenerator, adapter: DecoderGenerator, base: Path, folder: Path
) -> None:
    assert {path.name for path in folder.iterdir()} - {"chat_template.jinja"} == ADAPTER_FILES
    assert all("lora_" in name for name in load_file(folder / "adapter_model.safetensors"))
    settings = json.loads((folder / "generator_config.json").read_text(encoding="utf-8"))
    assert settings["base"] == {"source": str(base), "revision": None, "fingerprint": fingerprint(base)}
    loaded = load_component("generator", folder)
    assert generate(loaded) == generate(adapter)
    assert [one.hashtags for one in generate(loaded)] != [one.hashtags for one in generate(tiny_decoder)]
    shutil.copytree(folder, folder.with_name("again"))
    loaded.save_pretrained(folder)
    for name in ADAPTER_FILES - {"tokenizer_config.json"}:  # which notes that it was loaded
        assert (folder / name).read_bytes() == (folder.with_name("again") / name).read_bytes()


def test_peft_reads_it_too(adapter: DecoderGenerator, base: Path, folder: Path) -> None:
    network = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder)
    assert_equal(generate(DecoderGenerator(network, adapter.tokenizer, "en", "short", 128, 16)), generate(adapter))


def test_an_adapter_that_peft_saved(adapter: DecoderGenerator, base: Path, tmp_path: Path) -> None:
    adapter.model.save_pretrained(tmp_path / "plain")
    with pytest.raises(ValueError, match="= 576 exceeds"):  # the paper's prompt, since nothing else is recorded
        load_component("generator", tmp_path / "plain")
    prompt = {"template": "short", "max_prompt_length": 128, "max_target_length": 16}
    (tmp_path / "plain" / "generator_config.json").write_text(json.dumps({"generator_type": "decoder", **prompt}))
    loaded = load_component("generator", tmp_path / "plain")
    assert loaded.base == Base(str(base))
    assert generate(loaded) == generate(adapter)


def test_another_adapter_gives_another_answer(base: Path, adapter: DecoderGenerator, folder: Path) -> None:
    lora(base, adapter.tokenizer, seed=1).save_pretrained(folder)
    assert [one.log_likelihoods for one in generate(DecoderGenerator.from_pretrained(folder))] != [
        one.log_likelihoods for one in generate(adapter)
    ]


def test_a_changed_base_is_told_from_the_right_one(adapter: DecoderGenerator, base: Path, folder: Path) -> None:
    weights = load_file(base / "model.safetensors")
    name = sorted(weights)[0]
    weights[name][0, 0] += 1e-3
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=rf"(?s)adapter for {base} with the fingerprint \w+…, but.*other weights"):
        DecoderGenerator.from_pretrained(folder)
    weights[name][0, 0] -= 1e-3


def test_who_saved_the_base_does_not_matter(adapter: DecoderGenerator, base: Path, folder: Path) -> None:
    edit(base / "config.json", transformers_version="5.0.0")
    assert generate(DecoderGenerator.from_pretrained(folder)) == generate(adapter)
    edit(base / "config.json", rms_norm_eps=0.1)
    with pytest.raises(ValueError, match="another configuration"):
        DecoderGenerator.from_pretrained(folder)


def test_a_base_that_is_gone(base: Path, folder: Path) -> None:
    shutil.rmtree(base)
    with pytest.raises(FileNotFoundError, match=rf"adapter for {base}, which cannot be had.*There is no"):
        DecoderGenerator.from_pretrained(folder)


def test_a_base_that_was_never_saved(tiny_decoder: DecoderGenerator, tmp_path: Path) -> None:
    network = copy.deepcopy(tiny_decoder.network)
    network.config._name_or_path = ""
    model = get_peft_model(network, LoraConfig(r=2, task_type="CAUSAL_LM"))
    with pytest.raises(ValueError, match="base was never saved"):
        DecoderGenerator(model, tiny_decoder.tokenizer, "en", "short", 128, 16).save_pretrained(tmp_path / "adapter")


def test_weights_of_an_adapter_that_do_not_fit(folder: Path) -> None:
    weights = load_file(folder / "adapter_model.safetensors")
    first = sorted(weights)[0]
    lacking = {name: weight for name, weight in weights.items() if name != first}
    save_file(lacking, folder / "adapter_model.safetensors")
    with pytest.raises(ValueError, match=rf"does not fit its base: {first} and 0 more"):
        DecoderGenerator.from_pretrained(folder)
    save_file(weights | {first.replace("layers.0", "layers.7"): weights[first].clone()},
              folder / "adapter_model.safetensors")  # fmt: skip
    with pytest.raises(ValueError, match=r"does not fit its base: .*layers\.7"):
        DecoderGenerator.from_pretrained(folder)
    save_file({name: weight[:1].clone() for name, weight in weights.items()}, folder / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="size mismatch"):
        DecoderGenerator.from_pretrained(folder)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("adapter_config.json", {"peft_type": "PREFIX_TUNING"}, "a PREFIX_TUNING adapter; only plain LoRA"),
        ("adapter_config.json", {"megatron_config": {}, "megatron_core": "antigravity"}, "only plain LoRA"),
        ("adapter_config.json", {"target_modules": ["no_such_layer"]}, "no_such_layer"),
        ("generator_config.json", {"base": {"source": 3}}, "names no base"),
        ("generator_config.json", {"base": {"source": "a", "files": "b"}}, "names no base"),
        ("generator_config.json", {"base": "user/base"}, "names no base"),
    ],
)
def test_settings_of_an_adapter_are_checked(folder: Path, file: str, change: dict[str, Any], message: str) -> None:
    edit(folder / file, **change)
    with pytest.raises(ValueError, match=message):
        DecoderGenerator.from_pretrained(folder)


def test_an_adapter_is_no_base(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "second")
    (folder / "config.json").write_text("{}")
    edit(tmp_path / "second" / "generator_config.json", base={"source": str(folder)})
    with pytest.raises(ValueError, match="holds an adapter where a whole model is expected"):
        DecoderGenerator.from_pretrained(tmp_path / "second")


def test_a_missing_adapter_file(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"adapter_model\.safetensors"):
        DecoderGenerator.from_pretrained(folder)


def test_merged(adapter: DecoderGenerator, folder: Path, tmp_path: Path) -> None:
    merged = DecoderGenerator.from_pretrained(folder, merge=True)
    assert not merged.is_adapted and merged.merged() is merged
    assert_equal(generate(merged), generate(adapter))
    merged.save_pretrained(tmp_path / "merged")
    names = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {"config.json", "model.safetensors"} <= names and "adapter_config.json" not in names
    again = load_component("generator", tmp_path / "merged")
    assert generate(again) == generate(merged)
    with pytest.raises(ValueError, match="has no base"):
        again.push_base_to_hub("user/base")


def test_a_notice_goes_along(adapter: DecoderGenerator, base: Path, folder: Path, tmp_path: Path) -> None:
    assert not (folder / "NOTICE.txt").exists()
    (base / "README.md").write_text("---\nlicense: gemma\n---\n")
    adapter.base = None
    again = DecoderGenerator(adapter.model, adapter.tokenizer, **adapter.format.settings, base=Base.of(str(base)))
    again.save_pretrained(tmp_path / "adapter")
    notice = (tmp_path / "adapter" / "NOTICE.txt").read_text()
    assert notice.startswith("Gemma is provided under")
    merged = DecoderGenerator.from_pretrained(tmp_path / "adapter", merge=True)
    merged.save_pretrained(tmp_path / "merged")
    DecoderGenerator.from_pretrained(tmp_path / "merged").save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "NOTICE.txt").read_text() == notice


def test_an_adapter_keeps_its_dtype(adapter: DecoderGenerator, tmp_path: Path) -> None:
    adapter.stored = torch.bfloat16
    adapter.save_pretrained(tmp_path / "half")
    for dtype in ("float32", "bfloat16"):
        loaded = load_component("generator", tmp_path / "half", dtype=getattr(torch, dtype))
        assert {weight.dtype for weight in loaded.model.parameters()} == {getattr(torch, dtype)}
        loaded.save_pretrained(tmp_path / dtype)
        before, after = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("half", dtype))
        assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("merge", [False, True])
def test_a_device_map_reaches_the_base(adapter: DecoderGenerator, folder: Path, merge: bool) -> None:
    loaded = DecoderGenerator.from_pretrained(folder, device_map="cpu", device="meta", merge=merge)
    assert loaded.network.device.type == "cpu", "it was moved"
    assert_equal(generate(loaded), generate(adapter))


def test_a_base_keeps_its_precision(tiny_decoder: DecoderGenerator, tmp_path: Path) -> None:
    copy.deepcopy(tiny_decoder.network).bfloat16().save_pretrained(tmp_path / "half")
    lora(tmp_path / "half", tiny_decoder.tokenizer).save_pretrained(tmp_path / "adapter")
    assert {weight.dtype for weight in DecoderGenerator.from_pretrained(tmp_path / "adapter").model.parameters()} == {
        torch.bfloat16
    }


def test_quantization_needs_its_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = "right_hf.generator.decoder_base.importlib.util.find_spec"
    monkeypatch.setattr(find, lambda name: None)
    for kind in ("4bit", "8bit"):
        with pytest.raises(ImportError, match=r"Loading in .bit needs bitsandbytes: pip install right_hf\[quant\]"):
            DecoderGenerator.from_pretrained(folder, quantization=kind)
    with pytest.raises(ValueError, match="Known: 4bit, 8bit"):
        DecoderGenerator.from_pretrained(folder, quantization="2bit")
    with pytest.raises(ValueError, match="exclude each other"):
        DecoderGenerator.from_pretrained(folder, quantization="4bit", merge=True)


@pytest.mark.parametrize("kind", ["4bit", "8bit"])
def test_quantised_base(
    tiny_decoder: DecoderGenerator, adapter: DecoderGenerator, folder: Path, tmp_path: Path, kind: str
) -> None:
    """Runs where the extra `quant` is installed."""
    pytest.importorskip("bitsandbytes")
    loaded = load_component("generator", folder, quantization=kind)
    assert loaded.network.is_quantized
    for found, expected in zip(generate(loaded), generate(adapter), strict=True):
        known = found.log_likelihoods.keys() & expected.log_likelihoods.keys()
        near = {
            tag: pytest.approx(expected.log_likelihoods[tag], abs={"4bit": 1.0, "8bit": 0.2}[kind]) for tag in known
        }
        assert {tag: found.log_likelihoods[tag] for tag in known} == near
    loaded.save_pretrained(tmp_path / "again")
    before, after = (load_file(path / "adapter_model.safetensors") for path in (folder, tmp_path / "again"))
    assert all(torch.equal(before[name], after[name]) for name in before)
    tiny_decoder.save_pretrained(tmp_path / "whole")
    with pytest.raises(ValueError, match="load it without quantization"):
        load_component("generator", tmp_path / "whole", quantization=kind).save_pretrained(tmp_path / "again")


def test_quantised_weights_are_not_saved_as_the_models_own(
    tiny_decoder: DecoderGenerator, adapter: DecoderGenerator, tmp_path: Path
) -> None:
    adapter.network.is_quantized = True
    with pytest.raises(ValueError, match="to merge the adapter, load it without quantization"):
        adapter.merged()
    adapter.save_pretrained(tmp_path / "adapter")  # the adapter's weights are whole
    whole = copy.deepcopy(tiny_decoder)
    whole.network.is_quantized = True
    with pytest.raises(ValueError, match="to save the whole model, load it without quantization"):
        whole.save_pretrained(tmp_path / "whole")
