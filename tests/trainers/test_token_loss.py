"""The generator's loss without padding equals the model's own, and so do its gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from reproduction.pretraining.t5 import T5Shape, t5_from_scratch
from reproduction.segtrm import SegmentFormat, add_segment_tokens
from reproduction.segtrm.shape import SegtrmShape, segtrm_from_scratch
from transformers import DataCollatorForSeq2Seq, PreTrainedTokenizerFast

from right_hf import Post
from right_hf.generator.prompt import HashtagFormat
from right_hf.trainers.examples import examples_with
from right_hf.trainers.seq2seq import EncodedExamples, token_loss

SIZES = {"num_decoder_layers": 1}


def _seq2seq(tokenizer: Any) -> tuple[Any, Any]:
    shape = T5Shape(d_model=16, d_ff=32, d_kv=8, num_heads=2, num_layers=1, **SIZES)
    return t5_from_scratch(shape, tokenizer, seed=0), HashtagFormat(tokenizer, 40, 12)


def _segtrm(tokenizer: Any) -> tuple[Any, Any]:
    tokenizer = add_segment_tokens(tokenizer)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    return segtrm_from_scratch(SegtrmShape(**sizes, **SIZES), tokenizer, seed=0), SegmentFormat(tokenizer, 40, 12)


@pytest.mark.parametrize("make", [_seq2seq, _segtrm])
def test_it_equals_the_models_own_loss(
    make: Any, tiny_tokenizer: PreTrainedTokenizerFast, english_posts: list[Post]
) -> None:
    model, form = make(tiny_tokenizer)
    examples = EncodedExamples(examples_with(english_posts, [()] * len(english_posts)), form)
    batch = DataCollatorForSeq2Seq(form.tokenizer, padding=True)([examples[row] for row in range(6)])
    assert (batch["labels"] == -100).any()
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    expected = model.eval()(**batch).loss
    loss = token_loss(model, dict(batch))
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(
        torch.autograd.grad(loss, weights, allow_unused=True),
        torch.autograd.grad(expected, weights, allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_of_a_part_of_a_batch_it_is_its_share(
    tiny_tokenizer: PreTrainedTokenizerFast, english_posts: list[Post]
) -> None:
    model, form = _seq2seq(tiny_tokenizer)
    examples = EncodedExamples(examples_with(english_posts, [()] * len(english_posts)), form)
    collate = DataCollatorForSeq2Seq(form.tokenizer, padding=True)
    rows = [examples[row] for row in range(6)]
    whole = token_loss(model.eval(), dict(collate(rows)))
    tokens = sum(len(row["labels"]) for row in rows)
    parts = [token_loss(model, dict(collate(part)), tokens) for part in (rows[:2], rows[2:])]
    torch.testing.assert_close(sum(parts), whole)
