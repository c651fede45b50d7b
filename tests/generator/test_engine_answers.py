"""What CTranslate2 writes for any posts, beside PyTorch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)

from right_hf.generator import DecoderGenerator, Seq2SeqGenerator
from right_hf.generator.network import NetworkGenerator
from tests.conftest import CHINESE, ENGLISH, teach, teach_seq2seq

pytest.importorskip("ctranslate2", reason="needs the extra 'fast'")

from right_hf.generator.ctranslate2_engine import CTranslate2Engine

TEXTS = [post.text for post in [*ENGLISH, *CHINESE]]
TAGS = [tag for post in [*ENGLISH, *CHINESE] for tag in post.hashtags]
#: A post of the tiny models' alphabet, and its context.
ASKED = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(TEXTS), st.text(alphabet="".join(sorted(set("".join(TEXTS)))), max_size=60)),
        st.lists(st.sampled_from(TAGS), max_size=3, unique=True),
    ),
    min_size=1,
    max_size=5,
)
#: What both engines do, each in the same way.
SHARED: list[dict[str, Any]] = [
    {},
    {"max_new_tokens": 3},
    {"num_beams": 3, "early_stopping": True},
    {"num_beams": 3, "early_stopping": True, "num_return_sequences": 2, "length_penalty": 0.5},
    {"num_beams": 1, "length_penalty": 2.0, "temperature": 0.3},
]


def t5(tokenizer: Any, kind: Any = (T5Config, T5ForConditionalGeneration), **settings: Any) -> Seq2SeqGenerator:
    """A tiny gated T5 or mT5 that has seen the posts."""
    torch.manual_seed(1)
    ends = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    shape = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 2, "num_decoder_layers": 2}
    start = {"decoder_start_token_id": tokenizer.pad_token_id, "feed_forward_proj": "gated-gelu"}
    config = kind[0](vocab_size=len(tokenizer), **shape, **ends, **start, **settings)
    generator = Seq2SeqGenerator(kind[1](config), tokenizer, 48, 10)
    teach_seq2seq(generator, [*ENGLISH, *CHINESE])
    return generator


@pytest.fixture(scope="module", params=["t5", "t5 v1.1", "mt5"])
def seq2seq(request: pytest.FixtureRequest, tiny_generator: Seq2SeqGenerator, tiny_tokenizer: Any) -> Seq2SeqGenerator:
    if request.param == "t5":
        return copy.deepcopy(tiny_generator)
    if request.param == "mt5":
        return t5(tiny_tokenizer, (MT5Config, MT5ForConditionalGeneration))
    return t5(tiny_tokenizer, tie_word_embeddings=False)


@pytest.fixture(scope="module")
def gpt2(decoder_tokenizer: Any) -> DecoderGenerator:
    torch.manual_seed(0)
    shape = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 256}
    network = GPT2LMHeadModel(GPT2Config(vocab_size=len(decoder_tokenizer), eos_token_id=1, **shape))
    generator = DecoderGenerator(network, decoder_tokenizer, "en", "short", 128, 16)
    teach(generator, [*ENGLISH, *CHINESE])
    return generator


def engine_of(generator: NetworkGenerator) -> CTranslate2Engine:
    assert isinstance(generator.engine, CTranslate2Engine)
    return generator.engine


def written(generator: NetworkGenerator, asked: list[Any], settings: dict[str, Any]) -> list[list[str]]:
    posts, contexts = [post for post, _ in asked], [context for _, context in asked]
    return [found.hashtags for found in generator.generate(posts, contexts, **settings)]


def assert_engines_agree(generator: NetworkGenerator, asked: list[Any], settings: dict[str, Any]) -> None:
    """Also that it was not PyTorch that answered both times."""
    generator.use_engine("torch")
    expected = written(generator, asked, settings)
    generator.use_engine("ctranslate2", "float32")
    answers = []
    write = engine_of(generator).write
    generator.engine.write = lambda *given: answers.append(write(*given)) or answers[-1]  # type: ignore
    assert written(generator, asked, settings) == expected
    assert answers[0] is not None and len(answers[0]) == len(asked) * settings.get("num_return_sequences", 1)


@pytest.mark.parametrize("asked_for", [*SHARED, {"max_length": 5}], ids=str)
@settings(max_examples=8)
@given(asked=ASKED)
def test_seq2seq_answers_are_pytorchs(seq2seq: Seq2SeqGenerator, asked_for: dict[str, Any], asked: list[Any]) -> None:
    assert_engines_agree(seq2seq, asked, asked_for)


@pytest.mark.parametrize("asked_for", SHARED, ids=str)
@settings(max_examples=8)
@given(asked=ASKED)
def test_decoder_answers_are_pytorchs(
    tiny_decoder: DecoderGenerator, asked_for: dict[str, Any], asked: list[Any]
) -> None:
    assert_engines_agree(copy.copy(tiny_decoder), asked, asked_for)


def test_other_decoders(gpt2: DecoderGenerator) -> None:
    assert_engines_agree(gpt2, [(text, []) for text in TEXTS], {})
