"""A SEGTRM that is trained from scratch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from reproduction.segtrm.configuration_segtrm import SegtrmConfig
from reproduction.segtrm.modeling_segtrm import SegtrmForHashtagGeneration, structure_of


@dataclass(frozen=True)
class SegtrmShape:
    """Sizes of a SEGTRM that is trained from scratch, and how it selects segments."""

    hidden_size: int = 128
    intermediate_size: int = 384
    num_attention_heads: int = 4
    num_hidden_layers: int = 2
    num_decoder_layers: int = 2
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    max_position_embeddings: int = 256
    selection: str = "soft"
    selected_segments: int = 10


def segtrm_from_scratch(shape: SegtrmShape, tokenizer: Any, seed: int) -> SegtrmForHashtagGeneration:
    """A SEGTRM with random weights for a tokenizer with the tokens of [`reproduction.segtrm.add_segment_tokens`]."""
    torch.manual_seed(seed)
    return SegtrmForHashtagGeneration(SegtrmConfig(**vars(shape), **structure_of(tokenizer)))
