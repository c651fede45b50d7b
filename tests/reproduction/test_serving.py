"""A tuned LLM as a server reads it: prompts and answers are the generator's own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from serving import export_for_serving, serving_template
from transformers import AutoModelForCausalLM, AutoTokenizer

from right_hf.generator import DecoderGenerator
from tests.conftest import ENGLISH
from tests.generator.test_decoder import CONTEXTS, POSTS, assert_equal, generate
from tests.support.command_line import run_script


def as_a_server(folder: Path, messages: Any) -> tuple[list[int], list[int]]:
    """Prompt and answer of a server that knows nothing of this package."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    output = model.generate(torch.tensor([prompt]), max_new_tokens=16)[0].tolist()
    return prompt, output[len(prompt) :]


def test_an_exported_model_reads_and_writes_as_the_generator(adapter: DecoderGenerator, tmp_path: Path) -> None:
    form, expected = adapter.format, generate(adapter)
    export_for_serving(adapter, tmp_path / "served")
    for post, context, generation in zip(POSTS[:3], CONTEXTS[:3], expected[:3], strict=True):
        prompt, answer = as_a_server(tmp_path / "served", form.prompt_messages(post, context))
        assert prompt == form.prompt(post, context)
        assert form.hashtags(answer) == generation.hashtags
    again = DecoderGenerator.from_pretrained(tmp_path / "served")
    assert again.format.target(["cloud", "dev ops"]) == form.target(["cloud", "dev ops"])
    assert_equal(generate(again), expected)


def test_a_plain_prompt_with_a_first_token(tiny_decoder: DecoderGenerator) -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = copy.deepcopy(tiny_decoder.tokenizer)
    tokenizer.chat_template = None
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<pad> $A", special_tokens=[("<pad>", tokenizer.pad_token_id)]
    )
    plain = DecoderGenerator(tiny_decoder.network, tokenizer, "en", "short", 128, 16).format
    served = copy.deepcopy(tokenizer)
    served.chat_template = serving_template(tokenizer)
    ids = served.apply_chat_template(
        plain.prompt_messages(POSTS[0], CONTEXTS[0]), add_generation_prompt=True, return_dict=True
    )["input_ids"]
    assert ids == plain.prompt(POSTS[0], CONTEXTS[0])
    assert ids[0] == tokenizer.pad_token_id


def test_the_template_does_not_grow(tiny_decoder: DecoderGenerator) -> None:
    tokenizer = copy.deepcopy(tiny_decoder.tokenizer)
    tokenizer.chat_template = serving_template(tokenizer)
    assert serving_template(tokenizer) == tokenizer.chat_template


@pytest.mark.parametrize("cut", [False, True])
def test_the_script(
    adapter: DecoderGenerator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cut: bool,
) -> None:
    adapter.save_pretrained(tmp_path / "adapter")
    post = {"id": "1", "text": ENGLISH[0].text, "hashtags": ["cloud"]}
    (tmp_path / "train.jsonl").write_text(json.dumps(post), encoding="utf-8")
    options = ["--generator", str(tmp_path / "adapter"), "--output", str(tmp_path / "served")]
    options += ["--vocabulary", str(tmp_path / "train.jsonl")] if cut else []
    run_script(["training/export_merged.py", *options], monkeypatch)
    assert "ask it with language 'en', template 'short'" in capsys.readouterr().out
    assert (tmp_path / "served" / "model.safetensors").is_file()
    assert not (tmp_path / "served" / "adapter_config.json").exists()
    served = DecoderGenerator.from_pretrained(tmp_path / "served")
    assert (len(served.tokenizer) < len(adapter.tokenizer)) == cut
    assert len(served.generate([ENGLISH[0].text], [[]], [["a"]])) == 1
