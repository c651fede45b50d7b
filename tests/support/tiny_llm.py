"""The recipe of a tiny LLM, for tests of its training, and an adapter of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from reproduction.pretraining import prepare
from transformers import AutoModelForCausalLM

from right_hf.generator import DecoderGenerator
from right_hf.posts import Post
from right_hf.trainers.recipe import Recipe, build_recipe
from tests.support.paths import WORDNET

CPU: dict[str, Any] = {"use_cpu": True, "disable_tqdm": True, "dataloader_pin_memory": False}
#: Of SFT and of GRPO.
SHORT: dict[str, Any] = {**CPU, "gradient_checkpointing": False, "warmup_steps": 0, "learning_rate": 0.01}


def tiny_recipe(posts: Sequence[Post], folder: Path, **generator: Any) -> Recipe:
    """The recipe, with some settings of its generator changed; what it starts from is made of `posts` in `folder`."""
    settings: dict[str, Any] = {
        "type": "decoder",
        "max_source_length": 96,
        "max_target_length": 12,
        "lora": {"r": 4, "target_modules": "all-linear"},
        "validation_posts": 4,
        "arguments": {**SHORT, "num_train_epochs": 2, "per_device_train_batch_size": 4},
        "grpo": {
            "arguments": {
                **SHORT,
                "max_steps": 4,
                "per_device_train_batch_size": 8,
                "num_generations": 4,
                "eval_steps": 2,
                "save_steps": 2,
                "logging_steps": 1,
            }
        },
    }
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    shape |= {"num_attention_heads": 2, "num_key_value_heads": 2}
    values = {
        "language": "en",
        "pretraining": {
            "selector": {"dimensions": 16, "vocabulary_size": 300},
            "generator": {"vocabulary_size": 300, "shape": shape},
        },
        "selector": {
            "hashtags": 3,
            "wordnet": str(WORDNET),
            "arguments": {**CPU, "num_train_epochs": 1, "per_device_train_batch_size": 16},
        },
        "generator": {**settings, **generator},
    }
    return build_recipe(prepare(values, posts, folder).values, "the tests' recipe")


def saved_base(decoder: DecoderGenerator, folder: Path) -> Path:
    """Saves a decoder as a plain model, as others save theirs; returns the folder."""
    decoder.network.save_pretrained(folder)
    decoder.tokenizer.save_pretrained(folder)
    return folder


def lora(base: str | Path, tokenizer: Any, seed: int = 0, revision: str | None = None) -> DecoderGenerator:
    """An adapter with random weights, as training would leave it."""
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=16, task_type="CAUSAL_LM", init_lora_weights=False)
    network = AutoModelForCausalLM.from_pretrained(base, revision=revision)
    return DecoderGenerator(get_peft_model(network, config), tokenizer, "en", "short", 128, 16)
