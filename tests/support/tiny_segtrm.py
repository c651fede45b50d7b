"""A tiny SEGTRM with its tokenizer, for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from reproduction.segtrm import SegtrmForHashtagGeneration, SegtrmGenerator, add_segment_tokens
from reproduction.segtrm.shape import SegtrmShape, segtrm_from_scratch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SHAPE = SegtrmShape(
    hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=1, num_decoder_layers=1
)
LONG = "Warm seas bleach the coral reef faster than expected, and the season has moved by ten days"
POSTS = [LONG, "bread", "今天天气很好，我们去公园看樱花", "", f"{LONG}. {LONG}"]
NOTHING: list[list[str]] = [[] for _ in POSTS]
CANDIDATES = [["coral", "cloud"], ["baking", "coral", "baking"], [], ["cloud"], ["coral"]]


def build(tokenizer: Any, **changes: Any) -> SegtrmForHashtagGeneration:
    """A tiny model, with weights so large that it does not say the same about every post."""
    model = segtrm_from_scratch(dataclasses.replace(SHAPE, **changes), tokenizer, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return model


@pytest.fixture(scope="session")
def segtrm_tokenizer(tiny_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer.save_pretrained(folder)
    return add_segment_tokens(PreTrainedTokenizerFast.from_pretrained(folder))


@pytest.fixture(scope="session", params=["soft", "hard"])
def segtrm_generator(segtrm_tokenizer: Any, request: pytest.FixtureRequest) -> SegtrmGenerator:
    model = build(segtrm_tokenizer, selection=request.param, selected_segments=2)
    return SegtrmGenerator(model, segtrm_tokenizer, 97, 10)


@pytest.fixture
def bert_encoder(tiny_tokenizer: PreTrainedTokenizerFast) -> BertModel:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tiny_tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=256,
    )
    return BertModel(config)
