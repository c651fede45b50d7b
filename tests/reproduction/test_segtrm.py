from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from reproduction.segtrm import (
    SegmentFormat,
    SegtrmConfig,
    SegtrmForHashtagGeneration,
    SegtrmGenerator,
    split_segments,
)
from reproduction.segtrm.modeling_segtrm import hard_weights, segment_scores, soft_weights, weights_of_tokens
from reproduction.segtrm.segments import MAX_SEGMENTS
from transformers import (
    AutoConfig,
    BertModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

from right_hf.trainers.examples import GeneratorExample
from right_hf.trainers.seq2seq import EncodedExamples, adamw
from tests.support.tiny_segtrm import LONG, build


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
def test_inputs_keep_their_layout(segtrm_tokenizer: Any, post: str, length: int) -> None:
    form = SegmentFormat(segtrm_tokenizer, length)
    source = form.source(post, [])
    assert source[:2] == [form.global_token, form.segment_token]
    assert source.count(form.global_token) == 1
    assert not {form.sep2, segtrm_tokenizer.eos_token_id} & set(source)
    assert 1 <= source.count(form.segment_token) <= min(MAX_SEGMENTS, form.segments)
    assert len(source) <= length
    tokens = [token for token in source if token not in form.structure]
    whole = [
        token for token in segtrm_tokenizer(post, add_special_tokens=False)["input_ids"] if token not in form.structure
    ]
    assert tokens == whole[: 15 * form.segments]


def test_dropped_tokens_leave_a_whole_input(segtrm_tokenizer: Any) -> None:
    form = SegmentFormat(segtrm_tokenizer, 64)
    source = form.source(LONG, [])
    assert form.thinned(source, [True] * len(source)) == source
    assert form.thinned(source, [False] * len(source)) == [form.global_token, form.segment_token]
    torch.manual_seed(0)
    examples = EncodedExamples([GeneratorExample(LONG, (), ("coral",))], form, token_dropout=0.5)
    thinned = examples[0]["input_ids"]
    assert thinned[:2] == source[:2]
    assert 2 < len(thinned) < len(source)


def test_retrieved_hashtags_are_refused(segtrm_generator: SegtrmGenerator) -> None:
    with pytest.raises(ValueError, match="SEGTRM reads the post alone, got 1 retrieved"):
        segtrm_generator.generate(["bread"], [["baking"]], [[]])


def test_a_tokenizer_without_the_tokens_is_refused(
    tiny_tokenizer: PreTrainedTokenizerFast, segtrm_tokenizer: Any
) -> None:
    with pytest.raises(ValueError, match=r"lacks <global> and <segment>\. Pass it through .*add_segment_tokens"):
        SegmentFormat(tiny_tokenizer)
    with pytest.raises(ValueError, match="at least 17, for one segment, got 16"):
        SegmentFormat(segtrm_tokenizer, 16)


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


def test_states_are_weighted_by_segment(segtrm_tokenizer: Any) -> None:
    model = build(segtrm_tokenizer).eval()
    form = SegmentFormat(segtrm_tokenizer, 64)
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


def test_unselected_segments_are_not_read(segtrm_tokenizer: Any) -> None:
    """The decoder's answer is that of the kept states alone."""
    model = build(segtrm_tokenizer, selection="hard", selected_segments=1).eval()
    form = SegmentFormat(segtrm_tokenizer, 64)
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


def test_the_output_starts_from_the_global_state(segtrm_tokenizer: Any) -> None:
    """The embedding of the start token is replaced, so which token it is does not matter."""
    model = build(segtrm_tokenizer).eval()
    ids = torch.tensor([SegmentFormat(segtrm_tokenizer, 64).source(LONG, [])])
    with torch.no_grad():
        one, other = (model(ids, decoder_input_ids=torch.tensor([[start, 7]])).logits for start in (0, 9))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("selection", ["soft", "hard"])
def test_every_weight_learns(segtrm_tokenizer: Any, selection: str) -> None:
    model = build(segtrm_tokenizer, selection=selection)
    form = SegmentFormat(segtrm_tokenizer, 64)
    ids, labels = torch.tensor([form.source(LONG, [])]), torch.tensor([form.target(["coral", "climate change"])])
    model(input_ids=ids, labels=labels).loss.backward()
    # The bias of the keys moves all scores of a softmax alike.
    still = [
        name
        for name, parameter in model.named_parameters()
        if (parameter.grad is None or not parameter.grad.any()) and not name.endswith("key.bias")
    ]
    assert not still


def test_the_loss_does_not_see_padding(segtrm_tokenizer: Any) -> None:
    model = build(segtrm_tokenizer).eval()
    form = SegmentFormat(segtrm_tokenizer, 64)
    ids, labels = torch.tensor([form.source(LONG, [])]), torch.tensor([form.target(["coral"])])
    padded = {
        "input_ids": torch.nn.functional.pad(ids, (0, 5)),
        "attention_mask": torch.nn.functional.pad(torch.ones_like(ids), (0, 5)),
        "labels": torch.nn.functional.pad(labels, (0, 3), value=-100),
    }
    with torch.no_grad():
        torch.testing.assert_close(model(**padded).loss, model(input_ids=ids, labels=labels).loss)


def test_neither_labels_nor_output(segtrm_tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="needs labels or decoder_input_ids, got neither"):
        build(segtrm_tokenizer)(input_ids=torch.tensor([[1]]))


def test_embeddings_are_one_matrix(segtrm_tokenizer: Any, tmp_path: Path) -> None:
    model = build(segtrm_tokenizer)
    model.save_pretrained(tmp_path)
    for found in (model, SegtrmForHashtagGeneration.from_pretrained(tmp_path)):
        shared = found.get_input_embeddings().weight
        assert found.decoder.get_input_embeddings().weight is shared
        assert found.get_output_embeddings().weight is shared
    found.resize_token_embeddings(len(segtrm_tokenizer) + 3)
    assert found.get_output_embeddings().weight.shape == found.get_input_embeddings().weight.shape
    assert found.get_output_embeddings().weight is found.decoder.get_input_embeddings().weight


def test_a_pretrained_encoder(
    segtrm_tokenizer: Any, bert_encoder: BertModel, tiny_tokenizer: PreTrainedTokenizerFast
) -> None:
    bert = bert_encoder
    model = SegtrmForHashtagGeneration.from_encoder(bert, segtrm_tokenizer, num_decoder_layers=1)
    inner = model.encoder.bert
    words = inner.embeddings.word_embeddings.weight
    torch.testing.assert_close(words[: len(tiny_tokenizer)], bert.embeddings.word_embeddings.weight)
    torch.testing.assert_close(inner.encoder.layer[1].output.dense.weight, bert.encoder.layer[1].output.dense.weight)
    types = inner.embeddings.token_type_embeddings.weight
    torch.testing.assert_close(types, bert.embeddings.token_type_embeddings.weight[:1].expand(16, -1))
    assert model.decoder.get_input_embeddings().weight is words
    assert (model.config.num_hidden_layers, model.config.num_decoder_layers) == (2, 1)


def test_an_encoder_of_another_kind_is_refused(segtrm_tokenizer: Any) -> None:
    encoder = T5EncoderModel(T5Config(vocab_size=8, d_model=4, d_ff=4, d_kv=2, num_heads=2, num_layers=1))
    with pytest.raises(ValueError, match="encoder is a BERT, got a T5EncoderModel"):
        SegtrmForHashtagGeneration.from_encoder(encoder, segtrm_tokenizer)


def test_a_pretrained_encoder_learns_at_its_own_rate(segtrm_tokenizer: Any) -> None:
    model = build(segtrm_tokenizer)
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
def test_wrong_configurations_are_refused(
    segtrm_tokenizer: Any, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    config = build(segtrm_tokenizer).config
    config.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), SegtrmConfig)
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict() | change))
    with pytest.raises(ValueError, match=reason):
        AutoConfig.from_pretrained(tmp_path)


# Generator
