"""A T5 with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers import T5Config, T5ForConditionalGeneration


@dataclass(frozen=True)
class T5Shape:
    """Sizes of a T5 that is trained from scratch."""

    d_model: int = 256
    d_ff: int = 768
    d_kv: int = 32
    num_heads: int = 8
    num_layers: int = 3
    num_decoder_layers: int = 3
    dropout_rate: float = 0.0


def t5_from_scratch(shape: T5Shape, tokenizer: Any, seed: int) -> T5ForConditionalGeneration:
    """A T5 1.1 (gated GELU) with random weights for this tokenizer."""
    torch.manual_seed(seed)
    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    return T5ForConditionalGeneration(T5Config(**settings, **vars(shape)))
