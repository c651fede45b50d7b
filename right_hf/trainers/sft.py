"""Tuning of a decoder-only LLM with TRL's SFTTrainer: prompts are the generator's, the loss is the answers' alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.trainers.completions import CompletionLoss, LeftPadding, completion_record
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.runs import BEST, run_trainer, trainer_settings
from right_hf.trainers.written import WrittenScores, kept_checkpoint


def completion_records(examples: Sequence[GeneratorExample], form: DecoderFormat) -> Dataset:
    """The prompt and answer of each example as token ids (`input_ids`) and `labels`, which only the answer has."""
    records = [completion_record(form.prompt(post, context), form.target(gold)) for post, context, gold in examples]
    return Dataset.from_list(records)


class LlmTrainer(CompletionLoss, SFTTrainer):
    """SFTTrainer that scores the hashtags written for the validation posts at each evaluation.

    Attributes:
        scores: What scores them.
    """

    scores: WrittenScores

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The validation loss, and micro F1@1 and F1@5 of the written hashtags."""
        metrics: dict[str, float] = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        scores = {f"{metric_key_prefix}_{name}": score for name, score in self.scores(self).items()}
        self.log(dict(scores))
        return metrics | scores


def train_sft(
    model: Any, form: DecoderFormat, train: Sequence[GeneratorExample], validation: Sequence[GeneratorExample], job: Job
) -> dict[str, Any]:
    """Fine-tunes `model` on `train` by cross-entropy and says which checkpoint has the best validation F1@1.

    A run that was stopped goes on at its last checkpoint. Under `accelerate launch` all processes call it.

    Args:
        model: The base, changed in place.
        form: How examples are written as token ids.
        train: Training examples.
        validation: Examples on which each epoch is scored.
        job: Its recipe of a generator is a [`right_hf.trainers.llm.LlmRecipe`]; names the Trainer's folder,
            callbacks, and the seed of the order of the examples, the adapter's first weights and dropout.

    Returns:
        See [`right_hf.trainers.runs.run_trainer`]; and the folder of the best checkpoint as `checkpoint`.
    """
    recipe = job.recipe.generator
    defaults: dict[str, Any] = {
        "learning_rate": 2e-4,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 100,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "bf16": torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "metric_for_best_model": BEST,
        "greater_is_better": True,
        "logging_steps": 100,
        "max_length": None,  # the format cuts posts; cutting an example would take its answer
    }
    trainer = LlmTrainer(
        model=model,
        args=SFTConfig(**trainer_settings(job.checkpoints, job.recipe.seed, defaults, recipe.arguments)),
        train_dataset=completion_records(train, form),
        eval_dataset=completion_records(validation, form),
        data_collator=LeftPadding(form.padding, model),
        processing_class=form.tokenizer,
        peft_config=None if recipe.lora is None else LoraConfig(task_type="CAUSAL_LM", **recipe.lora),
        callbacks=list(job.callbacks),
    )
    trainer.scores = WrittenScores(form, validation)
    return {**run_trainer(trainer), "checkpoint": kept_checkpoint(trainer)}
