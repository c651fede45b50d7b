"""The decoder generator on a tiny Llama without a chat template and a tiny Qwen3 with one."""

from __future__ import annotations

import copy
import math
from itertools import zip_longest
from typing import Any

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel, MambaConfig, MambaForCausalLM

from right_hf.generator import DecoderGenerator, Generation
from tests.conftest import CHINESE, ENGLISH

POSTS = [ENGLISH[5].text, "bread", CHINESE[1].text, ENGLISH[0].text * 20]
CONTEXTS = [["climate change", "coral"], [], ["樱花"], ["cloud"]]
CANDIDATES = [["coral", "sourdough bread"], ["baking", "coral", "baking"], [], ["cloud", "春天"]]


def assert_equal(found: list[Generation], expected: list[Generation]) -> None:
    assert [generation.hashtags for generation in found] == [generation.hashtags for generation in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-4)


def generate(generator: DecoderGenerator, **settings: Any) -> list[Generation]:
    return generator.generate(POSTS, CONTEXTS, CANDIDATES, **settings)


@pytest.mark.parametrize(
    "settings",
    [{}, {"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 3}, {"use_cache": False}, {"max_length": 200}],
    ids=str,
)
def test_batch_equals_single(tiny_decoder: DecoderGenerator, settings: dict[str, Any]) -> None:
    batch = generate(tiny_decoder, **settings)
    rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
    assert_equal(batch, [tiny_decoder.generate([p], [c], [d], **settings)[0] for p, c, d in rows])
    assert sum(len(generation.hashtags) for generation in batch) >= 3, "else nothing is compared"
    only_written = tiny_decoder.generate(POSTS, CONTEXTS, **settings)
    assert [generation.hashtags for generation in only_written] == [generation.hashtags for generation in batch]


def test_written_hashtags_and_candidates_are_scored(tiny_decoder: DecoderGenerator) -> None:
    for generation, candidates in zip(generate(tiny_decoder), CANDIDATES, strict=True):
        assert list(generation.log_likelihoods) == list(dict.fromkeys([*generation.hashtags, *candidates]))
        assert all(score <= 0 for score in generation.log_likelihoods.values())
        assert len(set(generation.hashtags)) == len(generation.hashtags)


def test_log_likelihood_equals_that_of_whole_sequences(tiny_decoder: DecoderGenerator) -> None:
    """One row at a time, without padding and cache, and with the ends spelt out."""
    form = tiny_decoder.format
    for post, context, generation in zip(POSTS, CONTEXTS, generate(tiny_decoder), strict=True):
        prompt = form.prompt(post, context)
        for hashtag, log_likelihood in generation.log_likelihoods.items():
            answer = form.answer([hashtag])
            with torch.no_grad():
                logits = tiny_decoder.network(torch.tensor([[*prompt, *answer, *form.separator]])).logits[0]
            probabilities = logits.double().softmax(-1)[len(prompt) - 1 :]
            tokens = [probabilities[place, token].item() for place, token in enumerate(answer)]
            end = sum(probabilities[len(answer), token].item() for token in form.ends | form.starts)
            further = [probabilities[len(answer) + i, token].item() for i, token in enumerate(form.separator)]
            total = sum(map(math.log, tokens)) + math.log(end + math.prod(further))
            assert log_likelihood == pytest.approx(total / (len(answer) + 1), abs=1e-4)


def test_likelihoods_do_not_depend_on_how_many_are_scored_at_once(
    tiny_decoder: DecoderGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = generate(tiny_decoder)
    monkeypatch.setattr("right_hf.generator.rows._COPIED_AT_ONCE", 1)
    assert_equal(generate(tiny_decoder), expected)


@pytest.mark.parametrize("equal", [False, True])
def test_the_prompt_is_read_once(tiny_decoder: DecoderGenerator, monkeypatch: pytest.MonkeyPatch, equal: bool) -> None:
    """And of a batch once what all its prompts begin with."""
    shapes: list[tuple[int, int]] = []
    forward = tiny_decoder.network.model.forward

    def counted(input_ids: torch.Tensor, **settings: Any) -> Any:
        shapes.append(tuple(input_ids.shape))
        return forward(input_ids=input_ids, **settings)

    monkeypatch.setattr(tiny_decoder.network.model, "forward", counted)
    posts, contexts = (POSTS[:1] * 4, CONTEXTS[:1] * 4) if equal else (POSTS, CONTEXTS)
    tiny_decoder.generate(posts, contexts, CANDIDATES)
    prompts = [tiny_decoder.format.prompt(*pair) for pair in zip(posts, contexts, strict=True)]
    same = [len(set(tokens)) == 1 for tokens in zip_longest(*prompts)]
    shared = len(same) - 1 if equal else same.index(False)
    longest = max(map(len, prompts))
    assert shared >= 16
    assert shapes[0] == (1, shared)
    assert equal or shapes[1] == (4, longest - 1 - shared)
    assert all(length < 16 for _, length in shapes[1 if equal else 2 :])


def test_where_an_engine_writes_nothing_is_read(
    tiny_decoder: DecoderGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        def write(self, prompts: list[list[int]], settings: dict[str, Any]) -> list[list[int]]:
            return [tiny_decoder.format.target(["cloud"]) for _ in prompts]

    monkeypatch.setattr(tiny_decoder, "engine", Engine())
    monkeypatch.setattr(tiny_decoder.network.model, "forward", None)
    assert [found.hashtags for found in tiny_decoder.generate(POSTS, CONTEXTS)] == [["cloud"]] * len(POSTS)


def test_a_window_of_attention_does_not_count_padding(decoder_tokenizer: Any) -> None:
    """A network whose lower layer sees the last 64 tokens alone answers a batch as it answers each of its posts."""
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    layers = ["sliding_attention", "full_attention"]
    config = Gemma3TextConfig(
        vocab_size=len(decoder_tokenizer),
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=64,
        layer_types=layers,
        **shape,
    )
    generator = DecoderGenerator(
        Gemma3ForCausalLM(config), decoder_tokenizer, max_prompt_length=500, max_target_length=8
    )
    batch = generate(generator)
    rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
    assert_equal(batch, [generator.generate([p], [c], [d])[0] for p, c, d in rows])


def test_written_hashtags_are_those_of_the_model(tiny_decoder: DecoderGenerator) -> None:
    """Greedy decoding, step by step, without generate()."""
    form = tiny_decoder.format
    for post, context, generation in zip(POSTS, CONTEXTS, generate(tiny_decoder), strict=True):
        prompt = form.prompt(post, context)
        written: list[int] = []
        while len(written) < form.max_target_length and not (written and written[-1] in form.ends):
            with torch.no_grad():
                written.append(int(tiny_decoder.network(torch.tensor([prompt + written])).logits[0, -1].argmax()))
        assert generation.hashtags == form.hashtags(written)


def test_several_sequences_stay_with_their_post(tiny_decoder: DecoderGenerator) -> None:
    one = generate(tiny_decoder, num_beams=3)
    three = generate(tiny_decoder, num_beams=3, num_return_sequences=3)
    assert len(three) == len(POSTS)
    for best, joined in zip(one, three, strict=True):
        assert joined.hashtags[: len(best.hashtags)] == best.hashtags
    assert sum(len(joined.hashtags) for joined in three) > sum(len(best.hashtags) for best in one)


def test_sampling_takes_a_seed(tiny_decoder: DecoderGenerator) -> None:
    def sample(seed: int) -> list[list[str]]:
        torch.manual_seed(seed)
        settings = {"do_sample": True, "temperature": 2.0, "num_return_sequences": 2}
        return [generation.hashtags for generation in generate(tiny_decoder, **settings)]

    assert sample(0) == sample(0)
    assert len({str(sample(seed)) for seed in range(4)}) > 1


def test_empty_batch_and_nothing_to_score(tiny_decoder: DecoderGenerator) -> None:
    assert tiny_decoder.generate([], [], []) == []
    for generation in tiny_decoder.generate(["bread", "coral"], [[], []], [[], []], max_new_tokens=1):
        assert set(generation.log_likelihoods) == set(generation.hashtags)
    with pytest.raises(ValueError, match="zip"):
        tiny_decoder.generate(["a", "b"], [[]], [[], []])


def test_a_models_own_habits_of_chatting_are_put_off(tiny_decoder: DecoderGenerator) -> None:
    network = copy.deepcopy(tiny_decoder.network)
    network.generation_config.update(do_sample=True, temperature=5.0, repetition_penalty=9.0, max_length=3)
    again = DecoderGenerator(network, tiny_decoder.tokenizer, "en", "short", 128, 16)
    assert_equal(generate(again), generate(tiny_decoder))
    assert again.format.end in network.generation_config.eos_token_id


def test_other_architectures(decoder_tokenizer: Any) -> None:
    sizes = {"vocab_size": len(decoder_tokenizer), "n_positions": 256, "n_embd": 16, "n_layer": 2, "n_head": 2}
    gpt = DecoderGenerator(GPT2LMHeadModel(GPT2Config(**sizes)), decoder_tokenizer, "en", "short", 128, 16)
    rows = zip(POSTS, CONTEXTS, CANDIDATES, strict=True)
    assert_equal(generate(gpt), [gpt.generate([p], [c], [d])[0] for p, c, d in rows])
    config = MambaConfig(vocab_size=len(decoder_tokenizer), hidden_size=16, num_hidden_layers=1, state_size=4)
    with pytest.raises(ValueError, match="MambaForCausalLM keeps no keys and values"):
        DecoderGenerator(MambaForCausalLM(config), decoder_tokenizer, "en", "short", 128, 16)


def test_a_tokenizer_of_another_model_is_refused(tiny_decoder: DecoderGenerator) -> None:
    tokenizer = copy.deepcopy(tiny_decoder.tokenizer)
    tokenizer.add_tokens(["one more"])
    with pytest.raises(ValueError, match=r"has \d+ tokens, the model has embeddings of \d+"):
        DecoderGenerator(tiny_decoder.network, tokenizer, "en", "short", 128, 16)
