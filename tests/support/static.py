"""Static embeddings with random weights."""

from __future__ import annotations

from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding


def static_encoder(tokenizer: Any, dimensions: int, seed: int) -> SentenceTransformer:
    """The mean of one random vector a token."""
    torch.manual_seed(seed)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=dimensions)], device="cpu")
