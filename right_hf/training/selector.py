"""Training of the selector with sentence-transformers' trainer and the paper's loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from right_hf.training.runs import last_checkpoint
from right_hf.training.triplets import Triplet


def static_encoder(tokenizer: Any, dimensions: int, seed: int) -> SentenceTransformer:
    """A static-embedding encoder with random weights: the mean of one vector a token."""
    torch.manual_seed(seed)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=dimensions)], device="cpu")


def distilled_static_encoder(encoder: str, dimensions: int) -> SentenceTransformer:
    """A static-embedding encoder whose token vectors are what a pretrained encoder makes of each token alone.

    The vectors are reduced by PCA, and weighted by the logarithm of their rank in the vocabulary, which WordPiece
    vocabularies order by frequency (after Model2Vec; Tulkens and van Dongen, 2024).

    Args:
        encoder: A sentence-transformers model with a fast tokenizer.
        dimensions: Length of the vectors.
    """
    teacher = SentenceTransformer(encoder, device="cpu")
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
    """Trains `model` on (post, hashtag, disturbed hashtag) with the paper's loss L_S.

    MultipleNegativesRankingLoss with scale 20 is L_S with a temperature of 0.05. A run that was stopped goes on at its
    last checkpoint in `output`.

    Args:
        model: The encoder to train, changed in place.
        triplets: The training data.
        output: Folder of the Trainer's own checkpoints.
        seed: Of the order of the triplets.
        arguments: Fields of `SentenceTransformerTrainingArguments` that override the defaults below.

    Returns:
        The Trainer's log.
    """
    settings: dict[str, Any] = {
        "learning_rate": 1e-5,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 64,
        "warmup_steps": 100,
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "logging_steps": 100,
        "report_to": "none",
        "batch_sampler": "no_duplicates",
    }
    settings |= arguments
    columns = {name: [getattr(triplet, name) for triplet in triplets] for name in Triplet._fields}
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(output_dir=str(output), seed=seed, data_seed=seed, **settings),
        train_dataset=Dataset.from_dict(columns),
        loss=MultipleNegativesRankingLoss(model, scale=20.0),
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output))
    return {"log": trainer.state.log_history, "steps": trainer.state.global_step}
