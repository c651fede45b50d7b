from __future__ import annotations

import dataclasses
import json
import math
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

from right_hf.components import load_component
from right_hf.evaluation import run_generator
from right_hf.generator import Generation
from right_hf.posts import Post
from right_hf.segtrm import (
    SegmentFormat,
    SegtrmConfig,
    SegtrmForHashtagGeneration,
    SegtrmGenerator,
    add_segment_tokens,
    split_segments,
)
from right_hf.segtrm.modeling_segtrm import hard_weights, segment_scores, soft_weights, weights_of_tokens
from right_hf.segtrm.segments import MAX_SEGMENTS
from right_hf.training.bases import generator_base
from right_hf.training.examples import GeneratorExample, plain_examples
from right_hf.training.generator import EncodedExamples, adamw, train_generator
from right_hf.training.recipe import GeneratorRecipe
from right_hf.training.segtrm import SegtrmShape, segtrm_from_scratch
from tests.smoke_data import write_splits

SHAPE = SegtrmShape(
    hidden_size=16, intermediate_size=32, num_attention_heads=2, num_hidden_layers=1, num_decoder_layers=1
)
LONG = "Warm seas bleach the coral reef faster than expected, and the season has moved by ten days"
POSTS = [LONG, "bread", "今天天气很好，我们去公园看樱花", "", f"{LONG}. {LONG}"]
NOTHING: list[list[str]] = [[] for _ in POSTS]
CANDIDATES = [["coral", "cloud"], ["baking", "coral", "baking"], [], ["cloud"], ["coral"]]


@pytest.fixture(scope="module")
def tokenizer(tiny_tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer.save_pretrained(folder)
    return add_segment_tokens(PreTrainedTokenizerFast.from_pretrained(folder))


def build(tokenizer: Any, **changes: Any) -> SegtrmForHashtagGeneration:
    """A tiny model, with weights so large that it does not say the same about every post."""
    model = segtrm_from_scratch(dataclasses.replace(SHAPE, **changes), tokenizer, seed=0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    return model


@pytest.fixture(scope="module", params=["soft", "hard"])
def generator(tokenizer: Any, request: pytest.FixtureRequest) -> SegtrmGenerator:
    return SegtrmGenerator(build(tokenizer, selection=request.param, selected_segments=2), tokenizer, 97, 10)


# Segments


@given(st.lists(st.integers(0, 9), max_size=240))
def test_segments_hold_every_token_in_order(ids: list[int]) -> None:
    segments = split_segments(ids)
    assert [token for segment in segments for token in segment] == ids
    lengths = [len(segment) for segment in segments]
    assert max(lengths) <= 15
    assert max(lengths) - min(lengths) <= 1
    assert len(segments) == max(1, math.ceil(len(ids) / 15))
    if len(ids) >= 10 and not 16 <= len(ids) <= 19:
        assert min(lengths) >= 10


def test_segments_of_a_worked_example() -> None:
    assert split_segments(range(7), longest=3) == [[0, 1], [2, 3], [4, 5, 6]]
    assert split_segments([]) == [[]]


@given(st.text("ab #@樱花😀<global>segment/s", max_size=400), st.integers(17, 400))
def test_inputs_keep_their_layout(tokenizer: Any, post: str, length: int) -> None:
    form = SegmentFormat(tokenizer, length)
    source = form.source(post, [])
    assert source[:2] == [form.global_token, form.segment_token]
    assert source.count(form.global_token) == 1
    assert not {form.sep2, tokenizer.eos_token_id} & set(source)
    assert 1 <= source.count(form.segment_token) <= min(MAX_SEGMENTS, form.segments)
    assert len(source) <= length
    tokens = [token for token in source if token not in form.structure]
    whole = [token for token in tokenizer(post, add_special_tokens=False)["input_ids"] if token not in form.structure]
    assert tokens == whole[: 15 * form.segments]


def test_dropped_tokens_leave_a_whole_input(tokenizer: Any) -> None:
    form = SegmentFormat(tokenizer, 64)
    source = form.source(LONG, [])
    assert form.thinned(source, [True] * len(source)) == source
    assert form.thinned(source, [False] * len(source)) == [form.global_token, form.segment_token]
    torch.manual_seed(0)
    examples = EncodedExamples([GeneratorExample(LONG, (), ("coral",))], form, token_dropout=0.5)
    thinned = examples[0]["input_ids"]
    assert thinned[:2] == source[:2]
    assert 2 < len(thinned) < len(source)


def test_retrieved_hashtags_are_refused(generator: SegtrmGenerator) -> None:
    with pytest.raises(ValueError, match="SEGTRM reads the post alone, got 1 retrieved"):
        generator.generate(["bread"], [["baking"]], [[]])


def test_a_tokenizer_without_the_tokens_is_refused(tiny_tokenizer: PreTrainedTokenizerFast, tokenizer: Any) -> None:
    with pytest.raises(ValueError, match=r"lacks <global> and <segment>\. Pass it through .*add_segment_tokens"):
        SegmentFormat(tiny_tokenizer)
    with pytest.raises(ValueError, match="at least 17, for one segment, got 16"):
        SegmentFormat(tokenizer, 16)


# Selection


def test_soft_weights_of_a_worked_example() -> None:
    """Cosines 1, 0 and 0.6 with the global state, at the positions 1, 3 and 5; the last position is padding."""
    hidden = torch.tensor([[[2.0, 0], [3, 0], [9, 9], [0, 1], [9, 9], [3, 4], [0, 0]]])
    opens = torch.tensor([[False, True, False, True, False, True, False]])
    scores = segment_scores(hidden, opens)
    assert scores[0, [1, 3, 5]].tolist() == pytest.approx([1.0, 0.0, 0.6])
    total = math.exp(1) + math.exp(0) + math.exp(0.6)
    first, second, third = math.exp(1) / total, 1 / total, math.exp(0.6) / total
    weights = soft_weights(scores)
    assert weights[0].tolist() == pytest.approx([0, first, 0, second, 0, third, 0])
    spread = weights_of_tokens(weights, opens)
    assert spread[0].tolist() == pytest.approx([1, first, first, second, second, third, third])
    kept = weights_of_tokens(hard_weights(scores, 2), opens)
    assert kept[0].tolist() == [1, 1, 1, 0, 0, 1, 1]
    assert hard_weights(scores, 10).sum() == 3


def test_states_are_weighted_by_segment(tokenizer: Any) -> None:
    model = build(tokenizer).eval()
    form = SegmentFormat(tokenizer, 64)
    ids = torch.tensor([form.source(LONG, [])])
    with torch.no_grad():
        output = model.encoder(ids)
        types = (ids == form.segment_token).cumsum(-1)
        plain = model.encoder.bert(ids, token_type_ids=types).last_hidden_state
    torch.testing.assert_close(output.last_hidden_state, plain * output.weights.unsqueeze(-1))
    of_segments = output.weights[ids == form.segment_token]
    assert len(of_segments) > 1
    assert of_segments.sum().item() == pytest.approx(1)
    assert output.read.all()


def test_unselected_segments_are_not_read(tokenizer: Any) -> None:
    """The decoder's answer is that of the kept states alone."""
    model = build(tokenizer, selection="hard", selected_segments=1).eval()
    form = SegmentFormat(tokenizer, 64)
    ids, written = torch.tensor([form.source(LONG, [])]), torch.tensor([[0, 7, 8]])
    with torch.no_grad():
        output = model.encoder(ids)
        kept = output.read[0]
        assert 1 < kept.sum() < len(kept)
        short = type(output)(output.last_hidden_state[:, kept], output.weights[:, kept], output.read[:, kept])
        found, expected = (
            model(encoder_outputs=states, decoder_input_ids=written).logits for states in (output, short)
        )
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


# Model


def test_the_output_starts_from_the_global_state(tokenizer: Any) -> None:
    """The embedding of the start token is replaced, so which token it is does not matter."""
    model = build(tokenizer).eval()
    ids = torch.tensor([SegmentFormat(tokenizer, 64).source(LONG, [])])
    with torch.no_grad():
        one, other = (model(ids, decoder_input_ids=torch.tensor([[start, 7]])).logits for start in (0, 9))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("selection", ["soft", "hard"])
def test_every_weight_learns(tokenizer: Any, selection: str) -> None:
    model = build(tokenizer, selection=selection)
    form = SegmentFormat(tokenizer, 64)
    ids, labels = torch.tensor([form.source(LONG, [])]), torch.tensor([form.target(["coral", "climate change"])])
    model(input_ids=ids, labels=labels).loss.backward()
    # The bias of the keys moves all scores of a softmax alike.
    still = [
        name
        for name, parameter in model.named_parameters()
        if (parameter.grad is None or not parameter.grad.any()) and not name.endswith("key.bias")
    ]
    assert not still


def test_the_loss_does_not_see_padding(tokenizer: Any) -> None:
    model = build(tokenizer).eval()
    form = SegmentFormat(tokenizer, 64)
    ids, labels = torch.tensor([form.source(LONG, [])]), torch.tensor([form.target(["coral"])])
    padded = {
        "input_ids": torch.nn.functional.pad(ids, (0, 5)),
        "attention_mask": torch.nn.functional.pad(torch.ones_like(ids), (0, 5)),
        "labels": torch.nn.functional.pad(labels, (0, 3), value=-100),
    }
    with torch.no_grad():
        torch.testing.assert_close(model(**padded).loss, model(input_ids=ids, labels=labels).loss)


def test_neither_labels_nor_output(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="needs labels or decoder_input_ids, got neither"):
        build(tokenizer)(input_ids=torch.tensor([[1]]))


def test_embeddings_are_one_matrix(tokenizer: Any, tmp_path: Path) -> None:
    model = build(tokenizer)
    model.save_pretrained(tmp_path)
    for found in (model, SegtrmForHashtagGeneration.from_pretrained(tmp_path)):
        shared = found.get_input_embeddings().weight
        assert found.decoder.get_input_embeddings().weight is shared
        assert found.get_output_embeddings().weight is shared
    found.resize_token_embeddings(len(tokenizer) + 3)
    assert found.get_output_embeddings().weight.shape == found.get_input_embeddings().weight.shape
    assert found.get_output_embeddings().weight is found.decoder.get_input_embeddings().weight


@pytest.fixture
def tiny_bert(tiny_tokenizer: PreTrainedTokenizerFast) -> BertModel:
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


def test_a_pretrained_encoder(tokenizer: Any, tiny_bert: BertModel, tiny_tokenizer: PreTrainedTokenizerFast) -> None:
    bert = tiny_bert
    model = SegtrmForHashtagGeneration.from_encoder(bert, tokenizer, num_decoder_layers=1)
    inner = model.encoder.bert
    words = inner.embeddings.word_embeddings.weight
    torch.testing.assert_close(words[: len(tiny_tokenizer)], bert.embeddings.word_embeddings.weight)
    torch.testing.assert_close(inner.encoder.layer[1].output.dense.weight, bert.encoder.layer[1].output.dense.weight)
    types = inner.embeddings.token_type_embeddings.weight
    torch.testing.assert_close(types, bert.embeddings.token_type_embeddings.weight[:1].expand(16, -1))
    assert model.decoder.get_input_embeddings().weight is words
    assert (model.config.num_hidden_layers, model.config.num_decoder_layers) == (2, 1)


def test_an_encoder_of_another_kind_is_refused(tokenizer: Any) -> None:
    encoder = T5EncoderModel(T5Config(vocab_size=8, d_model=4, d_ff=4, d_kv=2, num_heads=2, num_layers=1))
    with pytest.raises(ValueError, match="encoder is a BERT, got a T5EncoderModel"):
        SegtrmForHashtagGeneration.from_encoder(encoder, tokenizer)


def test_a_pretrained_encoder_learns_at_its_own_rate(tokenizer: Any) -> None:
    model = build(tokenizer)
    groups = adamw(model, 1e-3, 0.0, embedding_factor=0.1, encoder_factor=0.1).param_groups
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(1e-4 if name.startswith("encoder.") else 1e-3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"selection": "medium"}, "selection must be 'soft' or 'hard', got 'medium'"),
        ({"hidden_size": "large"}, "hidden_size must be a whole number of at least 1, got 'large'"),
        ({"hidden_size": 17}, "multiple of num_attention_heads, got 17 and 2"),
        ({"num_decoder_layers": 0}, "num_decoder_layers must be a whole number of at least 1, got 0"),
        ({"max_position_embeddings": 100}, "max_position_embeddings must be a whole number of at least 241, got 100"),
        ({"segment_token_id": 10**6}, "segment_token_id must be a whole number of at least 0 and below"),
    ],
)
def test_wrong_configurations_are_refused(tokenizer: Any, tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    config = build(tokenizer).config
    config.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), SegtrmConfig)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict() | change))
    with pytest.raises(ValueError, match=reason):
        AutoConfig.from_pretrained(tmp_path)


# Generator


def assert_equal(found: list[Generation], expected: list[Generation]) -> None:
    assert [generation.hashtags for generation in found] == [generation.hashtags for generation in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_likelihoods == pytest.approx(other.log_likelihoods, abs=1e-3)


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"num_beams": 3, "num_return_sequences": 3}])
def test_batch_equals_single(generator: SegtrmGenerator, settings: dict[str, Any]) -> None:
    batch = generator.generate(POSTS, NOTHING, CANDIDATES, **settings)
    single = [
        generator.generate([post], [[]], [more], **settings)[0] for post, more in zip(POSTS, CANDIDATES, strict=True)
    ]
    assert_equal(batch, single)
    assert len({tuple(generation.hashtags) for generation in batch}) > 1, "else nothing is compared"


def test_the_cache_changes_nothing(generator: SegtrmGenerator) -> None:
    with_cache = generator.generate(POSTS, NOTHING, NOTHING, num_beams=2)
    assert_equal(generator.generate(POSTS, NOTHING, NOTHING, num_beams=2, use_cache=False), with_cache)


def test_log_likelihood_equals_the_loss_of_the_model(generator: SegtrmGenerator) -> None:
    form = generator.format
    for post, generation in zip(POSTS, generator.generate(POSTS, NOTHING, CANDIDATES), strict=True):
        for hashtag, log_likelihood in generation.log_likelihoods.items():
            labels = torch.tensor([form.target([hashtag])])
            with torch.no_grad():
                output = generator.model(input_ids=torch.tensor([form.source(post, [])]), labels=labels)
            at_end = output.logits[0, -1].log_softmax(0)
            end, separator = at_end[form.tokenizer.eos_token_id], at_end[form.sep2]
            total = -output.loss * labels.shape[1] - end + torch.logaddexp(end, separator)
            assert log_likelihood == pytest.approx(total.item() / labels.shape[1], abs=1e-3)


@pytest.fixture
def folder(generator: SegtrmGenerator, tmp_path: Path) -> Path:
    generator.save_pretrained(tmp_path / "generator")
    return tmp_path / "generator"


def test_save_and_load(generator: SegtrmGenerator, folder: Path) -> None:
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    loaded = load_component("generator", folder)
    assert isinstance(loaded, SegtrmGenerator)
    assert (loaded.format.max_source_length, loaded.format.max_target_length) == (97, 10)
    expected = generator.generate(POSTS, NOTHING, CANDIDATES, num_beams=2)
    assert loaded.generate(POSTS, NOTHING, CANDIDATES, num_beams=2) == expected
    assert isinstance(AutoModelForSeq2SeqLM.from_pretrained(folder), SegtrmForHashtagGeneration)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("config.json", b"{"),
        ("config.json", b'{"model_type": "segtrm", "selection": "medium"}'),
        ("config.json", b'{"model_type": "t5", "hidden_size": 12, "num_hidden_layers": 1, "num_decoder_layers": 1}'),
        ("tokenizer.json", b"{}"),
    ],
)
def test_damaged_folders_are_refused(folder: Path, name: str, content: bytes | None) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"(?s)generator.* again"):
        SegtrmGenerator.from_pretrained(folder)


def test_more_segments_than_the_model_knows(tokenizer: Any) -> None:
    model = build(tokenizer)
    model.config.max_segments = 3
    with pytest.raises(ValueError, match="makes up to 15 segments, but the model knows 3"):
        SegtrmGenerator(model, tokenizer)


# Training


def test_a_base_from_scratch_keeps_its_tokenizer(english_posts: list[Post], tmp_path: Path) -> None:
    recipe = GeneratorRecipe(architecture="segtrm", vocabulary_size=300, shape=dataclasses.asdict(SHAPE))
    model, tokenizer = generator_base(recipe, english_posts, 0, tmp_path / "tokenizer")
    again, kept = generator_base(recipe, english_posts[:1], 0, tmp_path / "tokenizer")
    assert kept.get_vocab() == tokenizer.get_vocab()
    assert model.config.vocab_size == len(tokenizer)
    for name, weight in again.state_dict().items():
        torch.testing.assert_close(weight, model.state_dict()[name])


def test_a_base_with_a_pretrained_encoder(tokenizer: Any, tiny_bert: BertModel, tmp_path: Path) -> None:
    tiny_bert.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    recipe = GeneratorRecipe(architecture="segtrm", base=str(tmp_path), shape={"num_decoder_layers": 1})
    model, loaded = generator_base(recipe, [], 0, tmp_path / "unused")
    layer, expected = model.encoder.bert.encoder.layer[0], tiny_bert.encoder.layer[0]
    torch.testing.assert_close(layer.output.dense.weight, expected.output.dense.weight)
    generator = SegtrmGenerator(model, loaded, 64, 8)
    assert generator.generate(["bread"], [[]], [["coral"]])[0].log_likelihoods["coral"] < 0


def test_the_training_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[1] / "training"
    data = write_splits(tmp_path / "data")
    command = ["train_generator.py", "--recipe", str(root / "configs/smoke-segtrm.yaml"), "--data", str(data)]
    command += ["--output", str(tmp_path / "segtrm")]
    monkeypatch.setattr(sys, "argv", command)
    runpy.run_path(str(root / "train_generator.py"), run_name="__main__")
    generator = load_component("generator", tmp_path / "segtrm")
    assert isinstance(generator, SegtrmGenerator)
    assert "bread" in generator.generate(["bread"], [[]], [["bread"]])[0].log_likelihoods
    monkeypatch.setattr(sys, "argv", [*command, "--selector", str(tmp_path)])
    with pytest.raises(SystemExit):
        runpy.run_path(str(root / "train_generator.py"), run_name="__main__")


@pytest.mark.slow
def test_it_learns_eight_posts_by_heart(tokenizer: Any, english_posts: list[Post], tmp_path: Path) -> None:
    posts = [post for post in english_posts if post.id != "e03"][:8]
    shape = dataclasses.replace(SHAPE, hidden_size=32, intermediate_size=64)
    model = segtrm_from_scratch(shape, tokenizer, seed=0)
    arguments: dict[str, Any] = {
        "learning_rate": 1e-2,
        "warmup_steps": 5,
        "num_train_epochs": 60,
        "per_device_train_batch_size": 8,
        "eval_strategy": "steps",
        "eval_steps": 60,
        "save_strategy": "no",
        "load_best_model_at_end": False,
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    form = SegmentFormat(tokenizer, 64, 24)
    examples = plain_examples(posts)
    log = train_generator(model, form, examples, examples, tmp_path, arguments, seed=0)
    assert log["validation"]["f1@1"] == pytest.approx(2 * 8 / (8 + sum(len(post.hashtags) for post in posts)))
    answers = run_generator(SegtrmGenerator(model, tokenizer, 64, 24), posts)
    assert [answer.sequence for answer in answers] == [list(post.hashtags) for post in posts]
