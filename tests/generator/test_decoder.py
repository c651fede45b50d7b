"""The decoder generator on a tiny Llama without a chat template and a tiny Qwen3 with one."""

from __future__ import annotations

import copy
import json
import math
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel, MambaConfig, MambaForCausalLM

from right_hf import RightModel
from right_hf.generator import DecoderGenerator, Generation
from right_hf.registry import load_component
from right_hf.trainers.linear import fit_linear
from tests.conftest import CHINESE, ENGLISH
from tests.support.fused import fused

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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("model.safetensors", "truncated"),
        ("tokenizer.json", None),
        ("tokenizer.json", b"{}"),
        ("config.json", b"{"),
        ("generator_config.json", b"{"),
        ("generator_config.json", b"[]"),
        ("generator_config.json", b'{"max_length": 5}'),
        ("generator_config.json", b'{"template": "mine"}'),
    ],
)
def test_damaged_folders_are_refused(folder: Path, name: str, content: bytes | str | None) -> None:
    path = folder / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-100] if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r"(?s)generator.* again"):
        DecoderGenerator.from_pretrained(folder)


def test_pickled_weights_are_not_read(tiny_decoder: DecoderGenerator, folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(tiny_decoder.network.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model\.bin may be a pickle file.*Convert"):
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
