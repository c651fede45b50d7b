"""A decoder from random weights: its tokenizer, and that nobody pretrains it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from reproduction.pretraining import prepare
from reproduction.pretraining.decoders import DecoderShape, decoder_from_scratch
from reproduction.pretraining.tokenizer import train_decoder_tokenizer
from transformers import PreTrainedTokenizerFast

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.posts import Post


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


@pytest.mark.parametrize("model_type", ["llama", "qwen3"])
def test_random_weights_depend_on_the_seed(model_type: str, tokenizer: PreTrainedTokenizerFast) -> None:
    shape = DecoderShape(model_type, 16, 32, 1, 2, 2)
    models = [decoder_from_scratch(shape, tokenizer, seed) for seed in (0, 0, 1)]
    assert models[0].config.model_type == model_type
    first, same, other = (model.get_input_embeddings().weight for model in models)
    assert torch.equal(first, same) and not torch.equal(first, other)
    assert models[0].get_output_embeddings().weight is first
    assert first.shape == (len(tokenizer), 16)


def test_it_is_not_pretrained(english_posts: list[Post], tmp_path: Path) -> None:
    made = {"vocabulary_size": 300, "shape": {"hidden_size": 16}, "copying": {"steps": 4}}
    values = {"language": "en", "generator": {"type": "decoder"}, "pretraining": {"generator": made}}
    with pytest.raises(ValueError, match="decoder is not pretrained here: leave out `copying`, or name a pretrained"):
        prepare(values, english_posts, tmp_path)
