"""Training of a generator that reads and writes sequences, with transformers' Trainer."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import ConcatDataset, Dataset
from transformers import AutoTokenizer, DataCollatorForSeq2Seq, EvalPrediction, Seq2SeqTrainer, Seq2SeqTrainingArguments

from right_hf.generator.prompt import HashtagFormat
from right_hf.loading import LOADING
from right_hf.precision import stored_in_half
from right_hf.registry import component_class
from right_hf.trainers.examples import generator_examples
from right_hf.trainers.job import Examples, GeneratorExample, Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, for_training, generator_base
from right_hf.trainers.recipe import GeneratorRecipe
from right_hf.trainers.runs import BEST, digest, f1_scores, run_trainer


@dataclass(frozen=True)
class Seq2SeqRecipe(GeneratorRecipe):
    """Settings of a T5 or mT5; `arguments` are fields of `Seq2SeqTrainingArguments`.

    Attributes:
        token_dropout: Share of the post's tokens left out in training, see [`EncodedExamples`].
        embedding_factor: How much faster the embeddings learn than the rest, see [`adamw`].
        encoder_factor: How much faster the encoder's other weights learn.
    """

    token_dropout: float = 0.0
    embedding_factor: float = 1.0
    encoder_factor: float = 1.0


class Seq2SeqTraining:
    """Trains a [`right_hf.generator.Seq2SeqGenerator`], or a generator derived from it."""

    settings: type[Seq2SeqRecipe] = Seq2SeqRecipe

    def start(self, job: Job) -> tuple[Any, Any]:
        """The model that training starts from, and its tokenizer."""
        recipe = job.recipe.generator
        source = generator_base(recipe)
        kind: Any = component_class("generator", recipe.type)
        with LOADING:
            return kind.model_class.from_pretrained(source, dtype=torch.float32), AutoTokenizer.from_pretrained(source)

    def train(self, job: Job) -> Trained:
        """Trains it on the training posts with the hashtags of retriever and selector, if the job has a selector."""
        recipe: Seq2SeqRecipe = job.recipe.generator
        source = generator_base(recipe)
        examples = generator_examples(job)
        job.claim(examples=digest(examples[0]), base=base_identity(source))
        model, tokenizer = self.start(job)
        kind: Any = component_class("generator", recipe.type)
        form = kind.format_class(tokenizer, recipe.max_source_length, recipe.max_target_length)
        log = train_generator(for_training(model), form, examples, job)
        record = {"retrieval": any(example.context for example in examples[0]), **base_record(source), **log}
        network = stored_in_half(model)
        return Trained(kind(network, tokenizer, recipe.max_source_length, recipe.max_target_length), record)


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
    """

    def __init__(self, examples: Sequence[GeneratorExample], form: HashtagFormat, token_dropout: float = 0.0) -> None:
        self.examples = examples
        self.form = form
        self.token_dropout = token_dropout
        self._sources: dict[int, array[int]] = {}

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        post, context, target = self.examples[index]
        if index not in self._sources:
            self._sources[index] = array("i", self.form.source(post, context))
        source = self._sources[index].tolist()
        labels = self.form.target(target)
        if self.token_dropout:
            # The global generator, since the Trainer saves and restores its state with each checkpoint.
            kept = (torch.rand(len(source)) >= self.token_dropout).tolist()
            source = self.form.thinned(source, kept)
        return {"input_ids": source, "attention_mask": [1] * len(source), "labels": labels}


def token_loss(model: Any, inputs: dict[str, torch.Tensor], tokens: int | torch.Tensor | None = None) -> torch.Tensor:
    """The mean of -log p(token | input, tokens before it) over the target tokens (paper, L_G).

    The targets of a batch differ in length, and the output layer is the dearest part of a small model: on posts of
    tweets-en two thirds of its rows would be padding, whose scores a model's own loss throws away.

    Args:
        model: An encoder-decoder model whose output layer works on each position alone.
        inputs: `input_ids` and `attention_mask`, (B, S), and `labels`, (B, T), -100 where filled up.
        tokens: Divides the sum, where the batch is a part of a larger one; by default its own number of tokens.
    """
    labels = inputs["labels"]
    kept = labels != -100  # (B, T)
    network = model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model
    hook = network.get_output_embeddings().register_forward_pre_hook(lambda _, states: (states[0][kept],))
    try:
        logits = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            decoder_input_ids=network.prepare_decoder_input_ids_from_labels(labels),
            use_cache=False,
        ).logits  # (tokens, V)
    finally:
        hook.remove()
    total = nn.functional.cross_entropy(logits.float(), labels[kept], reduction="sum")
    return total / (len(logits) if tokens is None else tokens)


class TokenLossTrainer(Seq2SeqTrainer):
    """A Seq2SeqTrainer that computes the same loss for less."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The loss of a batch, see [`token_loss`]; with its outputs, as a model computes both by itself."""
        if return_outputs:
            return super().compute_loss(model, inputs, True, num_items_in_batch)
        loss = token_loss(model, inputs, num_items_in_batch)
        # The tokens are those of all processes, whose losses are then averaged.
        return loss if num_items_in_batch is None else loss * self.accelerator.num_processes


def _f1_of(form: HashtagFormat) -> Any:
    """The Trainer's compute_metrics: micro F1@1 and F1@5 of the generated hashtags."""

    def compute(prediction: EvalPrediction) -> dict[str, float]:
        # Gold is read from the labels, since the Trainer evaluates in an order of its own.
        padding = form.tokenizer.pad_token_id
        ids = (np.asarray(part) for part in (prediction.label_ids, prediction.predictions))
        labels, written = (np.where(part < 0, padding, part) for part in ids)
        gold = [form.hashtags(row.tolist()) for row in labels]
        answers = [form.hashtags(row[1:].tolist()) for row in written]
        return f1_scores(answers, gold)

    return compute


def train_generator(model: Any, form: HashtagFormat, examples: Examples, job: Job) -> dict[str, Any]:
    """Fine-tunes `model` by cross-entropy (paper, L_G) and keeps the epoch with the best validation F1@1.

    A run that was stopped goes on at its last checkpoint.

    Args:
        model: The model to train, changed in place.
        form: How examples are written as token ids.
        examples: Those of training, and those on which each epoch is scored.
        job: Its recipe of a generator is a [`Seq2SeqRecipe`]; names the Trainer's folder, callbacks, further examples,
            and the seed of the order of the examples and of the dropout.

    Returns:
        See [`right_hf.trainers.runs.run_trainer`].
    """
    recipe: Seq2SeqRecipe = job.recipe.generator
    train, validation = examples
    defaults: dict[str, Any] = {
        "learning_rate": 1e-3,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 300,
        "weight_decay": 1e-5,
        "per_device_train_batch_size": 64,
        "per_device_eval_batch_size": 64,
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": BEST,
        "predict_with_generate": True,
        "generation_max_length": 24,
        "generation_num_beams": 1,
        "logging_steps": 100,
        "remove_unused_columns": False,
    }
    settings = job.trainer_settings(defaults, recipe.arguments)
    factors = (recipe.embedding_factor, recipe.encoder_factor)
    encoded: Dataset[dict[str, list[int]]] = EncodedExamples(train, form, recipe.token_dropout)
    if job.extra_examples is not None and (extra := job.extra_examples(form)) is not None:
        encoded = ConcatDataset([encoded, extra])
    trainer = TokenLossTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(**settings),
        optimizers=(adamw(model, settings["learning_rate"], settings["weight_decay"], *factors), None),
        train_dataset=encoded,
        eval_dataset=EncodedExamples(validation, form),
        data_collator=DataCollatorForSeq2Seq(form.tokenizer, padding=True),
        compute_metrics=_f1_of(form),
        callbacks=list(job.callbacks),
    )
    return run_trainer(trainer)
