"""A small decoder-only LLM with random weights, to see in seconds that the tuning of an LLM runs.

It is not pretrained: posts by the tens of thousands teach no LLM what a pretrained one knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM


@dataclass(frozen=True)
class DecoderShape:
    """Architecture and sizes of a decoder-only LLM that starts from random weights."""

    model_type: str = "llama"
    hidden_size: int = 128
    intermediate_size: int = 384
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512


def decoder_from_scratch(shape: DecoderShape, tokenizer: Any, seed: int) -> Any:
    """A model of this shape with random weights for this tokenizer; input and output embeddings are one."""
    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": True,
        "head_dim": shape.hidden_size // shape.num_attention_heads,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(**vars(shape), **settings))
