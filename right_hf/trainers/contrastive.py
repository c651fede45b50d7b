"""Training of encoders with sentence-transformers' trainer; selector and dense retriever share it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import nn

from right_hf.trainers.runs import last_checkpoint
from right_hf.trainers.triplets import Triplet

#: Settings that all encoders share.
_DEFAULTS: dict[str, Any] = {
    "learning_rate": 1e-5,
    "num_train_epochs": 3,
    "save_total_limit": 1,
    "logging_steps": 100,
    "report_to": "none",
}


def train_contrastive(
    model: SentenceTransformer, triplets: Sequence[Triplet], output: Path, arguments: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Trains `model` to tell each anchor's positive from its negative and from all others in the batch.

    MultipleNegativesRankingLoss with scale 20 is the paper's loss with a temperature of 0.05. A run that was stopped
    goes on at its last checkpoint in `output`.

    Args:
        model: The encoder to train, changed in place.
        triplets: The training data.
        output: Folder of the Trainer's own checkpoints.
        arguments: Fields of `SentenceTransformerTrainingArguments` besides the defaults above.
        seed: Of the order of the triplets.

    Returns:
        The Trainer's log.
    """
    columns = {name: [getattr(triplet, name) for triplet in triplets] for name in Triplet._fields}
    loss = MultipleNegativesRankingLoss(model, scale=20.0)
    return train_encoder(model, columns, loss, output, {"batch_sampler": "no_duplicates", **arguments}, seed)


def train_encoder(
    model: SentenceTransformer,
    columns: dict[str, list[Any]],
    loss: nn.Module,
    output: Path,
    arguments: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Trains `model` on columns of equal length with any loss of sentence-transformers; see [`train_contrastive`]."""
    settings = {**_DEFAULTS, **arguments, "output_dir": str(output), "seed": seed, "data_seed": seed}
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**settings),
        train_dataset=Dataset.from_dict(columns),
        loss=loss,
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output))
    return {"log": trainer.state.log_history, "steps": trainer.state.global_step}
