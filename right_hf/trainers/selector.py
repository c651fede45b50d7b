"""The selector's static encoders, and its training with the paper's loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from right_hf.trainers.contrastive import train_contrastive
from right_hf.trainers.triplets import Triplet


def static_encoder(tokenizer: Any, dimensions: int, seed: int) -> SentenceTransformer:
    """A static-embedding encoder with random weights: the mean of one vector a token."""
    torch.manual_seed(seed)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=dimensions)], device="cpu")


def distilled_static_encoder(teacher: SentenceTransformer, dimensions: int) -> SentenceTransformer:
    """A static-embedding encoder whose token vectors are what a pretrained encoder makes of each token alone.

    The vectors are reduced by PCA, and weighted by the logarithm of their rank in the vocabulary, which WordPiece
    vocabularies order by frequency (after Model2Vec; Tulkens and van Dongen, 2024).

    Args:
        teacher: A sentence-transformers model with a fast tokenizer.
        dimensions: Length of the vectors.
    """
    tokenizer = teacher.tokenizer
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    texts = [token.removeprefix("##") for token in tokens]
    vectors = teacher.encode(texts, batch_size=512, convert_to_tensor=True, show_progress_bar=True)
    centred = vectors - vectors.mean(0)
    directions = torch.linalg.svd(centred.T @ centred).U[:, :dimensions]  # (d, dimensions)
    weights = torch.log1p(torch.arange(len(tokens)) + 1.0).unsqueeze(1)
    embeddings = centred @ directions * weights / weights.mean()
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=embeddings)], device="cpu")


def train_selector(
    model: SentenceTransformer, triplets: Sequence[Triplet], output: Path, arguments: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Trains `model` on (post, hashtag, disturbed hashtag) with the paper's loss L_S; see [`train_contrastive`]."""
    defaults = {"per_device_train_batch_size": 64, "warmup_steps": 100, "save_strategy": "epoch"}
    return train_contrastive(model, triplets, output, {**defaults, **arguments}, seed)
