"""Tuning of a decoder-only LLM with TRL: by examples (SFT), and on from there by rewards (GRPO).

Prompts are the generator's, and at each evaluation it writes hashtags for the validation posts, which are scored. In
GRPO (Shao et al. 2024, DeepSeekMath, arXiv 2402.03300) it writes several answers to a prompt, and the better ones
become likelier; what an answer is worth, [`right_hf.trainers.rewards`] says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from datasets import Dataset
from peft import LoraConfig
from transformers import Trainer
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer
from trl.models import unwrap_model_for_generation

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.rows import padded
from right_hf.loading import network_of
from right_hf.trainers.completions import CompletionLoss, LeftPadding, completion_log_probs, completion_record
from right_hf.trainers.job import Examples, GeneratorExample, Job
from right_hf.trainers.rewards import Reader, listed, reward_functions
from right_hf.trainers.runs import BEST, f1_scores, run_trainer


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


class HashtagTrainer(Trainer):
    """A Trainer whose model can be scored by the hashtags that it writes for validation posts.

    Attributes:
        form: How prompts are written and answers are read.
        examples: The validation posts, with the hashtags beside them and gold.
    """

    form: DecoderFormat
    examples: Sequence[GeneratorExample]

    def scores(self, prefix: str) -> dict[str, float]:
        """Micro F1@1 and F1@5 of the greedily written hashtags, the same on every process; they are logged."""
        found = f1_scores(self.answers(), [list(example.target) for example in self.examples])
        scores = {f"{prefix}_{name}": score for name, score in found.items()}
        self.log(dict(scores))
        return scores

    @torch.inference_mode()
    def answers(self) -> list[list[str]]:
        """The hashtags written for each example, by all processes together."""
        rows = sorted(range(len(self.examples)), key=lambda row: -len(self.examples[row].post))
        size = self.args.per_device_eval_batch_size
        written: dict[int, list[str]] = {}
        # Each process gets as many rows, some of them twice: models in shards need all processes at every step.
        with (
            self.accelerator.split_between_processes(rows, apply_padding=True) as own,
            unwrap_model_for_generation(self.model_wrapped, self.accelerator) as model,
        ):
            training = model.training
            model.eval()
            for start in range(0, len(own), size):
                written |= self._answers(model, own[start : start + size])
            model.train(training)
        everyone = dict(gather_object(list(written.items())))
        return [everyone[row] for row in range(len(self.examples))]

    def _answers(self, model: Any, rows: Sequence[int]) -> dict[int, list[str]]:
        prompts = [self.form.prompt(*self.examples[row][:2]) for row in rows]
        ids, mask = padded(prompts, self.form.padding, left=True)
        outputs = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            do_sample=False,
            num_beams=1,
            max_new_tokens=self.form.max_target_length,
            eos_token_id=sorted(self.form.ends),
            pad_token_id=self.form.padding,
        )
        answers = outputs[:, ids.shape[1] :].tolist()
        return {row: self.form.hashtags(answer) for row, answer in zip(rows, answers, strict=True)}


class LlmTrainer(HashtagTrainer, CompletionLoss, SFTTrainer):
    """SFTTrainer that scores the hashtags written for the validation posts at each evaluation."""

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """The validation loss, and micro F1@1 and F1@5 of the written hashtags."""
        metrics: dict[str, float] = super().evaluate(eval_dataset, ignore_keys, metric_key_prefix)
        return metrics | self.scores(metric_key_prefix)


class HashtagGrpoTrainer(HashtagTrainer, GRPOTrainer):
    """GRPOTrainer that reads prompts as the generator does, and scores what is written for the validation posts."""

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # TRL would turn a text or messages into tokens itself, which need not be those that the generator reads.
        return [[int(token) for token in prompt.split()] for prompt in prompts], None, {}

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        **inputs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        # As in `CompletionLoss`, TRL's own projects the whole prompts where there is no GPU.
        if self.accelerator.device.type != "cpu":
            return super()._get_per_token_logps_and_entropies(  # type: ignore[no-any-return]
                model, input_ids, attention_mask, logits_to_keep, batch_size, **inputs
            )
        network = network_of(self.accelerator.unwrap_model(model))
        size = batch_size or len(input_ids)
        parts = [
            completion_log_probs(model, network, ids, mask, logits_to_keep, self.temperature)
            for ids, mask in zip(torch.split(input_ids, size), torch.split(attention_mask, size), strict=True)
        ]
        log_probs, entropies = map(torch.cat, zip(*parts, strict=True))
        return log_probs, entropies, None

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Micro F1@1 and F1@5 of the greedily written hashtags; TRL's own would sample answers and reward them."""
        scores = self.scores(metric_key_prefix)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, scores)
        return scores


def completion_records(examples: Sequence[GeneratorExample], form: DecoderFormat) -> Dataset:
    """The prompt and answer of each example as token ids (`input_ids`) and `labels`, which only the answer has."""
    records = [completion_record(form.prompt(post, context), form.target(gold)) for post, context, gold in examples]
    return Dataset.from_list(records)


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


def train_sft(model: Any, form: DecoderFormat, examples: Examples, job: Job) -> dict[str, Any]:
    """Fine-tunes `model` by cross-entropy and says which checkpoint has the best validation F1@1.

    A run that was stopped goes on at its last checkpoint. Under `accelerate launch` all processes call it.

    Args:
        model: The base, changed in place.
        form: How examples are written as token ids.
        examples: Those of training, and those on which each epoch is scored.
        job: Its recipe of a generator is a [`right_hf.trainers.llm.LlmRecipe`]; names the Trainer's folder,
            callbacks, and the seed of the order of the examples, the adapter's first weights and dropout.

    Returns:
        See [`right_hf.trainers.runs.run_trainer`]; and the folder of the best checkpoint as `checkpoint`.
    """
    recipe, (train, validation) = job.recipe.generator, examples
    defaults: dict[str, Any] = {
        "learning_rate": 2e-4,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 100,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "train_sampling_strategy": "group_by_length",
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "logging_steps": 100,
        "max_length": None,  # the format cuts posts; cutting an example would take its answer
    }
    trainer = LlmTrainer(
        model=model,
        args=SFTConfig(**_settings(job, defaults, recipe.arguments)),
        train_dataset=completion_records(train, form),
        eval_dataset=completion_records(validation, form),
        data_collator=LeftPadding(form.padding, model),
        processing_class=form.tokenizer,
        peft_config=None if recipe.lora is None else LoraConfig(task_type="CAUSAL_LM", **recipe.lora),
        callbacks=list(job.callbacks),
    )
    return _run(trainer, form, validation)


def train_grpo(model: Any, form: DecoderFormat, examples: Examples, job: Job) -> dict[str, Any]:
    """Trains a tuned `model` on and says which checkpoint has the best validation F1@1; does as [`train_sft`].

    Args:
        model: A `PeftModel` whose adapter is trainable, or a model all of whose weights are trained on.
        form: How examples are written as token ids.
        examples: Those of training, and those that are scored, first before the first step.
        job: See [`train_sft`]; its seed is also that of the sampled answers, and its recipe has `grpo`.
    """
    recipe, (train, validation) = GrpoRecipe(**job.recipe.generator.grpo), examples
    defaults: dict[str, Any] = {
        "learning_rate": 1e-5,
        "warmup_steps": 10,
        "per_device_train_batch_size": 64,
        "per_device_eval_batch_size": 64,
        "num_generations": 8,
        "max_completion_length": form.max_target_length,
        "eval_on_start": True,
        "eval_strategy": "steps",
        "eval_steps": 0.1,
        "save_strategy": "steps",
        "save_steps": 0.1,
        "logging_steps": 10,
        "reward_weights": list(asdict(RewardWeights(**recipe.rewards)).values()),
    }
    trainer = HashtagGrpoTrainer(
        model=model,
        reward_funcs=[*reward_functions(answer_reader(form))],
        args=GRPOConfig(**_settings(job, defaults, recipe.arguments)),
        train_dataset=prompt_records(train[: recipe.posts], form),
        eval_dataset=prompt_records(validation, form),
        processing_class=form.tokenizer,
        callbacks=list(job.callbacks),
    )
    return _run(trainer, form, validation)


def _settings(job: Job, defaults: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    shared = {"bf16": bf16, "metric_for_best_model": BEST, "greater_is_better": True}
    return job.trainer_settings(shared | defaults, arguments)


def _run(trainer: HashtagTrainer, form: DecoderFormat, validation: Sequence[GeneratorExample]) -> dict[str, Any]:
    trainer.form, trainer.examples = form, validation
    log = run_trainer(trainer)
    last = f"{trainer.args.output_dir}/checkpoint-{trainer.state.global_step}"
    return {**log, "checkpoint": Path(trainer.state.best_model_checkpoint or last)}
