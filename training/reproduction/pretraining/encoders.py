"""Static embeddings with random weights, for a selector or a dense retriever that starts from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding


@dataclass(frozen=True)
class EncoderPretraining:
    """Sizes of an encoder with random weights: `dimensions` of its vectors, `vocabulary_size` of its tokenizer."""

    dimensions: int = 128
    vocabulary_size: int = 8000


def static_encoder(tokenizer: Any, dimensions: int, seed: int) -> SentenceTransformer:
    """A static-embedding encoder with random weights: the mean of one vector a token."""
    torch.manual_seed(seed)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=dimensions)], device="cpu")
