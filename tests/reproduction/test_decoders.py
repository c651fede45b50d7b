"""A decoder from random weights: its tokenizer, and what it is pretrained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from reproduction.pretraining import prepare
from reproduction.pretraining.decoders import (
    DecoderPretraining,
    DecoderShape,
    PretrainingExamples,
    decoder_from_scratch,
)
from reproduction.pretraining.tokenizer import train_decoder_tokenizer
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.posts import Post
from right_hf.trainers.completions import IGNORED, CompletionLoss
from tests.support.tiny_llm import CPU


@pytest.fixture(scope="module")
def tokenizer(english_posts: list[Post]) -> PreTrainedTokenizerFast:
    return train_decoder_tokenizer([text for post in english_posts for text in (post.text, *post.hashtags)], 300)


@pytest.fixture(scope="module")
def form(tokenizer: PreTrainedTokenizerFast) -> DecoderFormat:
    return DecoderFormat(tokenizer, "en", "short", 96, 24)


def test_a_hashtag_has_the_tokens_of_its_words(form: DecoderFormat, tokenizer: PreTrainedTokenizerFast) -> None:
    words = tokenizer("climate change", add_special_tokens=False)["input_ids"]
    hash_sign = tokenizer.convert_tokens_to_ids("#")
    assert form.target(["climate change", "climate change"]) == [hash_sign, *words, hash_sign, *words, form.end]
    prompt = form.prompt("climate change", ["climate change"])
    delimiters = tokenizer.convert_tokens_to_ids(["<tweet>", "</tweet>"])
    start, end = (prompt.index(token) for token in delimiters)
    assert prompt[start + 1 : end] == words
    at = prompt.index(hash_sign)
    assert prompt[at + 1 : at + 1 + len(words)] == words


def test_a_copied_hashtag_is_the_first_of_the_prompt(form: DecoderFormat, tokenizer: PreTrainedTokenizerFast) -> None:
    recipe = DecoderPretraining(steps=12, batch_size=4, bare=0.5, post_tokens=3, text=0.5, text_tokens=5)
    texts = ["warm seas bleach the coral reef", "fresh bread"]
    posts = [Post(str(number), text, ("baking", "climate change")) for number, text in enumerate(texts)]
    examples = PretrainingExamples(posts, form, recipe, seed=0)
    assert len(examples) == 48
    kinds = []
    for number in range(len(examples)):
        ids, labels = examples[number]["input_ids"], examples[number]["labels"]
        if labels[1] != IGNORED:
            kinds.append("text")
            assert ids[1:] == labels[1:]
            assert tokenizer.decode(ids[:-1]) in {tokenizer.decode(form._encode(text)[:5]) for text in texts}
            assert ids[-1] == tokenizer.eos_token_id
            continue
        kinds.append("copying")
        start = next(place for place, label in enumerate(labels) if label != IGNORED)
        copied = form.hashtags(labels[start:])
        prompt = tokenizer.decode(ids[:start])
        assert copied and all(f"# {hashtag}" in prompt for hashtag in copied)
        assert labels[-1] == form.end
    batches = [kinds[i : i + 4] for i in range(0, 48, 4)]
    assert all(len(set(batch)) == 1 for batch in batches)
    first = [batch[0] for batch in batches]
    assert first[:6] == ["copying"] * 6 and first[6:].count("text") == 3


def test_an_example_depends_on_seed_and_number_alone(form: DecoderFormat) -> None:
    recipe = DecoderPretraining(steps=4, batch_size=4)
    first, second = (
        PretrainingExamples([Post("1", "fresh bread", ("baking",))], form, recipe, seed=3) for _ in range(2)
    )
    assert [first[i] for i in range(16)] == [second[i] for i in range(16)]
    other = PretrainingExamples([Post("1", "fresh bread", ("baking",))], form, recipe, seed=4)
    assert [first[i] for i in range(16)] != [other[i] for i in range(16)]


@pytest.mark.parametrize("model_type", ["llama", "qwen3"])
def test_random_weights_depend_on_the_seed(model_type: str, tokenizer: PreTrainedTokenizerFast) -> None:
    shape = DecoderShape(model_type, 16, 32, 1, 2, 2)
    models = [decoder_from_scratch(shape, tokenizer, seed) for seed in (0, 0, 1)]
    assert models[0].config.model_type == model_type
    first, same, other = (model.get_input_embeddings().weight for model in models)
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert models[0].get_output_embeddings().weight is first
    assert first.shape == (len(tokenizer), 16)


@pytest.mark.slow
def test_a_stopped_pretraining_goes_on(
    english_posts: list[Post], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights(english_posts, tmp_path / "whole", {"steps": 10, "batch_size": 4})
    original, calls = CompletionLoss.training_step, []

    def stopped(self: CompletionLoss, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return original(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(CompletionLoss, "training_step", stopped)
        with pytest.raises(KeyboardInterrupt):
            weights(english_posts, tmp_path / "stopped", {"steps": 10, "batch_size": 4})
    assert not (tmp_path / "stopped" / "generator").exists()
    resumed = weights(english_posts, tmp_path / "stopped", {"steps": 10, "batch_size": 4})
    assert resumed.keys() == whole.keys()
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight)
    untrained = weights(english_posts, tmp_path / "untrained", None)
    assert not all(torch.equal(untrained[name], weight) for name, weight in whole.items())


def weights(posts: list[Post], folder: Path, copying: dict[str, int] | None) -> dict[str, torch.Tensor]:
    """Those of a decoder that is pretrained in a folder."""
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2, "num_key_value_heads": 2}
    values = {
        "language": "en",
        "generator": {"type": "decoder", "max_source_length": 96, "max_target_length": 12, "arguments": CPU},
        "pretraining": {"generator": {"vocabulary_size": 300, "shape": shape, "copying": copying}},
    }
    base = prepare(values, posts, folder).values["generator"]["base"]
    return load_file(Path(base) / "model.safetensors")
