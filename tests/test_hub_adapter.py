"""An adapter as generator, pushed, pulled, replaced and described by a card; more is in test_decoder_adapter.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from right_hf import RightModel
from right_hf.cards import gather_facts, render_card
from right_hf.cli import main
from right_hf.generator import DecoderGenerator
from tests.loopback_hub import LoopbackHub
from tests.test_decoder_adapter import lora

pytestmark = pytest.mark.slow

POSTS = ["Windows desktop in the cloud", "sourdough bread"]
#: What transformers, peft and trl leave beside an adapter and beside what was there before it.
LEFT_OVER = ("training_args.bin", "adapter_model.bin", "pytorch_model-00001-of-00002.bin", "merges.txt", "spiece.model",
             "added_tokens.json", "model-00001-of-00002.safetensors", "model.safetensors.index.json",
             "additional_chat_templates/tool.jinja", "chat_template.json", "sentence_bert_config.json")  # fmt: skip


@pytest.fixture
def adapter(decoder_tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> DecoderGenerator:
    """An adapter on a base that lies in a folder of this machine."""
    config: Any = LlamaConfig(
        vocab_size=len(decoder_tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        eos_token_id=decoder_tokenizer.eos_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "base")
    decoder_tokenizer.save_pretrained(tmp_path / "base")
    return lora(tmp_path / "base", decoder_tokenizer)


@pytest.fixture
def composite(model: RightModel, adapter: DecoderGenerator) -> RightModel:
    return RightModel(model.config, model.retriever, model.selector, adapter)


@pytest.mark.loopback
def test_an_adapter_whose_base_only_lies_here_is_not_pushed(
    hub: LoopbackHub, adapter: DecoderGenerator, composite: RightModel
) -> None:
    for push in (adapter.push_to_hub, composite.push_to_hub):
        with pytest.raises(ValueError, match=r"a folder of this machine, so nobody else.*push_base_to_hub.*merge=True"):
            push("user/right")
    assert hub.requests == []
    adapter.push_base_to_hub("user/base", private=True)
    composite.push_to_hub("user/right")
    adapter.push_to_hub("user/adapter")
    composite.push_to_hub("user/small", references=["generator"])
    for name in ("user/right", "user/small"):
        assert RightModel.from_pretrained(name).recommend(POSTS) == composite.recommend(POSTS)
    for name in ("user/right", "user/adapter"):
        written = b"".join(file.content for file in hub.repo(name).at().files.values())
        assert str(adapter.model.get_base_model().config.name_or_path).encode() not in written, "a path of this machine"


@pytest.mark.loopback
def test_an_adapter_takes_the_place_of_another_generator_and_leaves_it(
    hub: LoopbackHub, model: RightModel, adapter: DecoderGenerator
) -> None:
    adapter.push_base_to_hub("user/base")
    model.generator.push_to_hub("user/part")  # type: ignore[attr-defined]
    repo = hub.repo("user/part")
    for name in LEFT_OVER:
        repo.put(name, b"{}")
    repo.put("README.md", b"mine")
    adapter.push_to_hub("user/part")
    expected = {"adapter_config.json", "adapter_model.safetensors", "generator_config.json", "tokenizer.json"}
    assert repo.paths() == {*expected, "tokenizer_config.json", "README.md"}
    assert DecoderGenerator.from_pretrained("user/part").is_adapted
    swapped = RightModel.from_pretrained(_saved(model), generator="user/part")
    assert type(swapped.generator) is DecoderGenerator
    model.generator.push_to_hub("user/part")  # type: ignore[attr-defined]
    assert not [path for path in repo.paths() if path.startswith("adapter")]
    assert RightModel.from_pretrained(_saved(model), generator="user/part").recommend(POSTS) == model.recommend(POSTS)
    model.generator.origin = None  # type: ignore[attr-defined]


def _saved(model: RightModel) -> str:
    model.push_to_hub("user/whole")
    return "user/whole"


@pytest.mark.loopback
def test_the_command_line_pulls_the_base_too(
    hub: LoopbackHub, composite: RightModel, adapter: DecoderGenerator, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = adapter.push_base_to_hub("user/base").oid
    composite.push_to_hub("user/right")
    assert main(["pull", "user/right"]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row["from_elsewhere"] == {"base of the generator": f"user/base at revision '{commit}'"}
    hub.fail("", status=500, times=1000)
    assert main(["recommend", "--model", "user/right", "--offline", *POSTS]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_card_tells_the_adapter_and_its_base(composite: RightModel, tmp_path: Path) -> None:
    adapter: DecoderGenerator = composite.generator  # type: ignore[assignment]
    composite.save_pretrained(tmp_path / "here")
    local = render_card(gather_facts(tmp_path / "here"))
    assert "LORA adapter of rank 4, alpha 16, on q_proj, v_proj" in local
    assert str(tmp_path) not in local and "| `base` |" in local
    assert ModelCard(local).data.get("base_model") is None, "only a base on the Hub can be linked"
    assert adapter.base is not None
    adapter.base = type(adapter.base)("org/Base-1B", "c0ffee", adapter.base.fingerprint)
    composite.save_pretrained(tmp_path / "elsewhere")
    card = render_card(gather_facts(tmp_path / "elsewhere"))
    assert "decoder; language en, template short" in card
    assert "| `org/Base-1B`, revision `c0ffee` |" in card
    assert "also bound by that model's licence: `org/Base-1B`." in card
    assert ModelCard(card).data.base_model == ["org/Base-1B"]
