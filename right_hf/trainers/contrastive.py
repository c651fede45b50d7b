"""Training of encoders with sentence-transformers' trainer; selector and dense retriever share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from right_hf.trainers.job import Job
from right_hf.trainers.recipe import EncoderRecipe
from right_hf.trainers.runs import run_trainer


class Triplet(NamedTuple):
    """One training example; its field names are the column names that sentence-transformers' losses read."""

    anchor: str
    """The post's text."""
    positive: str
    """A gold hashtag of the post, or a post that is like it."""
    negative: str
    """What is not to lie as close."""


def train_contrastive(
    model: SentenceTransformer,
    triplets: Sequence[Triplet],
    job: Job,
    recipe: EncoderRecipe,
    defaults: Mapping[str, Any],
) -> dict[str, Any]:
    """Trains `model` to tell each anchor's positive from its negative and from all others in the batch.

    MultipleNegativesRankingLoss with scale 20 is the paper's loss with a temperature of 0.05. A run that was stopped
    goes on at its last checkpoint.

    Args:
        model: The encoder to train, changed in place.
        triplets: The training data.
        job: Names the Trainer's folder, the seed of the order of the triplets, and callbacks.
        recipe: Its `arguments` are fields of `SentenceTransformerTrainingArguments`.
        defaults: Those that the component has where the recipe says nothing.

    Returns:
        The Trainer's log.
    """
    shared = {"learning_rate": 1e-5, "num_train_epochs": 3, "logging_steps": 100, "batch_sampler": "no_duplicates"}
    settings = job.trainer_settings({**shared, **defaults}, recipe.arguments)
    columns = {name: [getattr(triplet, name) for triplet in triplets] for name in Triplet._fields}
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(**settings),
        train_dataset=Dataset.from_dict(columns),
        loss=MultipleNegativesRankingLoss(model, scale=20.0),
        callbacks=list(job.callbacks),
    )
    return run_trainer(trainer)
