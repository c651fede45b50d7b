"""GRPO: a tuned LLM writes several answers to a prompt, and the better ones become likelier.

Shao et al. 2024, DeepSeekMath, arXiv 2402.03300. What an answer is worth, [`right_hf.trainers.rewards`] says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.trainers.job import GeneratorExample, Job
from right_hf.trainers.rewards import Reader, listed, reward_functions
from right_hf.trainers.runs import BEST, run_trainer, trainer_settings
from right_hf.trainers.written import WrittenScores, kept_checkpoint


@dataclass(frozen=True)
class RewardWeights:
    """How much each reward counts."""

    f1: float = 1.0
    format: float = 0.5
    duplicates: float = 0.5


@dataclass(frozen=True)
class GrpoRecipe:
    """Settings of GRPO.

    Attributes:
        posts: It learns from the first so many training examples; None for all.
        rewards: Fields of [`RewardWeights`].
        arguments: Fields of `trl.GRPOConfig`.
    """

    posts: int | None = None
    rewards: dict[str, float] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)


class HashtagGrpoTrainer(GRPOTrainer):
    """GRPOTrainer that reads prompts as the generator does, and scores what is written for the validation posts.

    Attributes:
        form: How prompts are written.
        scores: What scores the answers.
    """

    form: DecoderFormat
    scores: WrittenScores

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # TRL would turn a text or messages into tokens itself, which need not be those that the generator reads.
        return [[int(token) for token in prompt.split()] for prompt in prompts], None, {}

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Micro F1@1 and F1@5 of the greedily written hashtags; TRL's own would sample answers and reward them."""
        scores = {f"{metric_key_prefix}_{name}": score for name, score in self.scores(self).items()}
        self.log(dict(scores))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, scores)
        return scores


def prompt_records(examples: Sequence[GeneratorExample], form: DecoderFormat) -> Dataset:
    """Each example's `prompt`, its token ids as text (TRL wants texts or messages there), and `gold`."""
    records = [
        {"prompt": " ".join(map(str, form.prompt(post, context))), "gold": list(gold)}
        for post, context, gold in examples
    ]
    return Dataset.from_list(records)


def answer_reader(form: DecoderFormat) -> Reader:
    """Reads what an answer's token ids list."""

    def read(ids: Sequence[int]) -> list[str] | None:
        end = next((place for place, token in enumerate(ids) if token in form.ends), None)
        if end is None:
            return None
        return listed(form.tokenizer.decode(ids[:end], skip_special_tokens=True), form.language == "en")

    return read


def train_grpo(
    model: Any,
    form: DecoderFormat,
    train: Sequence[GeneratorExample],
    validation: Sequence[GeneratorExample],
    recipe: GrpoRecipe,
    job: Job,
) -> dict[str, Any]:
    """Trains the adapter of `model` on and says which checkpoint has the best validation F1@1.

    A run that was stopped goes on at its last checkpoint. Under `accelerate launch` all processes call it.

    Args:
        model: A `PeftModel` whose adapter is trainable, or a model all of whose weights are trained on.
        form: How examples are written as token ids.
        train: Training examples.
        validation: Examples on which checkpoints are scored, first before the first step.
        recipe: Its settings.
        job: Names the Trainer's folder, callbacks, and the seed of the order of examples and of the sampled answers.

    Returns:
        As [`right_hf.trainers.sft.train_sft`] does.
    """
    defaults: dict[str, Any] = {
        "learning_rate": 1e-5,
        "warmup_steps": 10,
        "per_device_train_batch_size": 64,
        "per_device_eval_batch_size": 64,
        "num_generations": 8,
        "max_completion_length": form.max_target_length,
        "bf16": torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        "eval_on_start": True,
        "eval_strategy": "steps",
        "eval_steps": 0.1,
        "save_strategy": "steps",
        "save_steps": 0.1,
        "metric_for_best_model": BEST,
        "greater_is_better": True,
        "logging_steps": 10,
        "reward_weights": list(asdict(RewardWeights(**recipe.rewards)).values()),
    }
    trainer = HashtagGrpoTrainer(
        model=model,
        reward_funcs=[*reward_functions(answer_reader(form))],
        args=GRPOConfig(**trainer_settings(job.checkpoints, job.recipe.seed, defaults, recipe.arguments)),
        train_dataset=prompt_records(train[: recipe.posts], form),
        eval_dataset=prompt_records(validation, form),
        processing_class=form.tokenizer,
        callbacks=list(job.callbacks),
    )
    trainer.form, trainer.scores = form, WrittenScores(form, validation)
    return {**run_trainer(trainer), "checkpoint": kept_checkpoint(trainer)}
