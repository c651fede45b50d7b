"""Training of a generator that reads and writes sequences, with transformers' Trainer."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import ConcatDataset, Dataset
from transformers import (
    DataCollatorForSeq2Seq,
    EvalPrediction,
    Seq2SeqTrainingArguments,
    T5Config,
    T5ForConditionalGeneration,
)

from right_hf.generator.prompt import HashtagFormat
from right_hf.metrics import micro_f1_at_k
from right_hf.precision import affordable
from right_hf.trainers.examples import GeneratorExample
from right_hf.trainers.noise import ContextNoise
from right_hf.trainers.runs import last_checkpoint
from right_hf.trainers.token_loss import TokenLossTrainer


@dataclass(frozen=True)
class GeneratorShape:
    """Sizes of a T5 that is trained from scratch."""

    d_model: int = 256
    d_ff: int = 768
    d_kv: int = 32
    num_heads: int = 8
    num_layers: int = 3
    num_decoder_layers: int = 3
    dropout_rate: float = 0.0


def t5_from_scratch(shape: GeneratorShape, tokenizer: Any, seed: int) -> T5ForConditionalGeneration:
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


def adamw(
    model: Any, learning_rate: float, weight_decay: float, embedding_factor: float, encoder_factor: float = 1.0
) -> torch.optim.AdamW:
    """AdamW with learning rates of their own for the token embeddings and for the rest of the encoder.

    A pretrained encoder beside a decoder with random weights needs a lower rate, such as a tenth (SEGTRM's authors).

    T5 draws its embeddings with standard deviation 1, its other weights 10 to 100 times smaller, which suits an
    optimiser that scales steps by the size of the weights. AdamW does not, and moves the embeddings of a model that
    starts from random weights too slowly unless they get a higher rate.
    """
    factors = {parameter: encoder_factor for parameter in model.get_encoder().parameters()}
    factors |= {parameter: embedding_factor for parameter in model.get_input_embeddings().parameters()}
    groups: dict[float, list[torch.nn.Parameter]] = {1.0: []}
    for parameter in model.parameters():
        groups.setdefault(factors.get(parameter, 1.0), []).append(parameter)
    rates = [{"params": parameters, "lr": learning_rate * factor} for factor, parameters in groups.items()]
    return torch.optim.AdamW(rates, lr=learning_rate, weight_decay=weight_decay, fused=True)


class EncodedExamples(Dataset[dict[str, list[int]]]):
    """Examples as token ids, encoded when they are first asked for.

    Args:
        examples: The examples.
        form: How they are written as token ids.
        token_dropout: Share of the post's tokens that are left out, drawn anew at each access. On a CPU it regularises
            a small model at a fraction of the cost of dropout inside it. The hashtags beside the post stay whole: a
            generator that is shown damaged ones learns not to copy them.
        noise: How often an example is shown foreign hashtags or none, drawn anew at each access; None for never.
    """

    def __init__(
        self,
        examples: Sequence[GeneratorExample],
        form: HashtagFormat,
        token_dropout: float = 0.0,
        noise: ContextNoise | None = None,
    ) -> None:
        self.examples = examples
        self.form = form
        self.token_dropout = token_dropout
        self.noise = noise
        self._sources: dict[int, array[int]] = {}  # by number, with their own hashtags

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        owner = index if self.noise is None else self.noise.owner(index, len(self.examples))
        source = self._source(index, owner)
        labels = self.form.target(self.examples[index].target)
        if self.token_dropout:
            # The global generator, since the Trainer saves and restores its state with each checkpoint.
            kept = (torch.rand(len(source)) >= self.token_dropout).tolist()
            source = self.form.thinned(source, kept)
        return {"input_ids": source, "attention_mask": [1] * len(source), "labels": labels}

    def _source(self, index: int, owner: int | None) -> list[int]:
        """The input of an example with the hashtags beside another, or beside none."""
        if owner != index:
            return self.form.source(self.examples[index].post, () if owner is None else self.examples[owner].context)
        if index not in self._sources:
            self._sources[index] = array("i", self.form.source(self.examples[index].post, self.examples[index].context))
        return self._sources[index].tolist()


def _f1_of(form: HashtagFormat) -> Any:
    """The Trainer's compute_metrics: micro F1@1 and F1@5 of the generated hashtags."""

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        # Gold is read from the labels, since the Trainer evaluates in an order of its own.
        padding = form.tokenizer.pad_token_id
        labels, written = (
            np.where(ids < 0, padding, ids)
            for ids in (np.asarray(prediction.label_ids), np.asarray(prediction.predictions))
        )
        gold = [form.hashtags(row.tolist()) for row in labels]
        answers = [form.hashtags(row[1:].tolist()) for row in written]
        return {f"f1@{k}": micro_f1_at_k(answers, gold, k).f1 for k in (1, 5)}

    return compute


def train_generator(
    model: Any,
    form: HashtagFormat,
    train: Sequence[GeneratorExample],
    validation: Sequence[GeneratorExample],
    output: Path,
    arguments: dict[str, Any],
    seed: int,
    token_dropout: float = 0.0,
    embedding_factor: float = 1.0,
    encoder_factor: float = 1.0,
    noise: ContextNoise | None = None,
    rehearsed: Dataset[dict[str, list[int]]] | None = None,
) -> dict[str, Any]:
    """Fine-tunes `model` on `train` by cross-entropy (paper, L_G) and keeps the epoch with the best validation F1@1.

    A run that was stopped goes on at its last checkpoint in `output`.

    Args:
        model: The model to train, changed in place.
        form: How examples are written as token ids.
        train: Training examples.
        validation: Examples on which each epoch is scored.
        output: Folder of the Trainer's own checkpoints.
        arguments: Fields of `Seq2SeqTrainingArguments` that override the defaults below.
        token_dropout: Share of the post's tokens left out in training, see [`EncodedExamples`].
        embedding_factor: How much faster the embeddings learn, see [`adamw`].
        encoder_factor: How much faster the rest of the encoder learns.
        noise: How often examples are shown foreign hashtags or none, see [`EncodedExamples`].
        rehearsed: Encoded examples of something learned before, mixed with those of each epoch.
        seed: Of the order of the examples, of the dropout and of the noise.

    Returns:
        The Trainer's log, losses and validation scores step by step, and the validation scores of the kept epoch.
    """
    settings: dict[str, Any] = {
        "learning_rate": 1e-3,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 300,
        "weight_decay": 1e-5,
        "per_device_train_batch_size": 64,
        "per_device_eval_batch_size": 64,
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "load_best_model_at_end": True,
        "metric_for_best_model": "f1@1",
        "predict_with_generate": True,
        "generation_max_length": 24,
        "generation_num_beams": 1,
        "logging_steps": 100,
        "report_to": "none",
        "remove_unused_columns": False,
    }
    settings |= affordable(arguments)
    optimizer = adamw(model, settings["learning_rate"], settings["weight_decay"], embedding_factor, encoder_factor)
    encoded: Dataset[dict[str, list[int]]] = EncodedExamples(train, form, token_dropout, noise)
    trainer = TokenLossTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(output_dir=str(output), seed=seed, data_seed=seed, **settings),
        optimizers=(optimizer, None),
        train_dataset=encoded if rehearsed is None else ConcatDataset([encoded, rehearsed]),
        eval_dataset=EncodedExamples(validation, form),
        data_collator=DataCollatorForSeq2Seq(form.tokenizer, padding=True),
        compute_metrics=_f1_of(form),
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output))
    log = trainer.state.log_history
    scored = [entry for entry in log if "eval_f1@1" in entry]
    best = max(scored, key=lambda entry: float(entry["eval_f1@1"]), default={})
    kept = {name: best[f"eval_{name}"] for name in ("f1@1", "f1@5") if best}
    return {"log": log, "steps": trainer.state.global_step, "validation": kept}
