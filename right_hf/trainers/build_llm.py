"""From a recipe and examples to a tuned LLM, with a record of its making; by one process or, launched so, by many."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import PeftModel

from right_hf.generator.decoder import DecoderGenerator
from right_hf.generator.decoder_base import ADAPTER_CONFIG, adapted, load_network
from right_hf.hub import pull
from right_hf.persistence import atomic_folder, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.trainers.bases import decoder_source, generator_base
from reproduction.pretraining.decoders import decoder_format
from right_hf.trainers.emissions import measured_emissions
from right_hf.trainers.examples import GeneratorExample
from right_hf.trainers.grpo import GrpoRecipe, train_grpo
from right_hf.trainers.llm import train_llm
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import claim_run, digest, run_identity


def build_llm(
    recipe: Recipe,
    posts: Sequence[Post],
    train: Sequence[GeneratorExample],
    validation: Sequence[GeneratorExample],
    output: Path,
    checkpoints: Path,
    base: Path | None = None,
    start: Path | None = None,
) -> None:
    """Tunes the recipe's LLM, or goes on from a tuned one with GRPO.

    Under `accelerate launch` every process calls it, and the first one writes.

    Args:
        recipe: Its settings.
        posts: The training posts, for the tokenizer of a base that is made here.
        train: Training examples, with retrieved hashtags or without them.
        validation: Examples on which checkpoints are scored.
        output: The generator's folder.
        checkpoints: Folder of the Trainer's own checkpoints.
        base: Folder of a base that the recipe does not name; by default one of the run's own.
        start: Folder of the tuned LLM with which GRPO begins; None to tune the base.

    Raises:
        ValueError: Several processes run and the base is still to be made, or the recipe has no `grpo`.
    """
    origin, settings = provenance(recipe.as_dict(), recipe.seed), recipe.generator
    state = PartialState(cpu=bool(settings.arguments.get("use_cpu")))
    if start is not None and settings.grpo is None:
        raise ValueError("The recipe has no `grpo` under `generator`. Add its settings, or {} for the defaults.")
    own = base or checkpoints / "base"
    if settings.base is None and not own.is_dir() and state.num_processes > 1:
        raise ValueError(f"There is no base at {own}. Make it first, with one process: --make-base {own}.")
    if state.is_main_process:
        begun = {name: _weights(folder) for name, folder in (("base", base), ("start", start)) if folder}
        claim_run(checkpoints, run_identity(recipe, posts, examples=digest(train), **begun))
    state.wait_for_everyone()
    model, tokenizer = generator_base(settings, posts, recipe.seed, own, recipe.language)
    form = decoder_format(settings, tokenizer, recipe.language)
    if start is None:
        log = train_llm(model, form, train, validation, checkpoints, settings.lora, settings.arguments, recipe.seed)
    else:
        grpo = GrpoRecipe(**(settings.grpo or {}))
        log = train_grpo(_begun(model, start), form, train, validation, checkpoints, grpo, recipe.seed)
    kept = log.pop("checkpoint")
    if state.is_main_process:
        source = decoder_source(settings, own)
        names = ("language", "template", "max_prompt_length", "max_target_length")
        lengths = {name: getattr(form, name) for name in names}
        generator = DecoderGenerator(_finished(source.folder(), kept), tokenizer, **lengths, base=source)
        with atomic_folder(output) as folder:
            generator.save_pretrained(folder)
            facts = {"retrieval": any(example.context for example in train), "posts": len(posts)}
            facts |= measured_emissions(checkpoints)
            write_json(folder / "training.json", {**origin, **facts, **log})
    state.wait_for_everyone()


def _begun(base: Any, start: Path) -> Any:
    """The tuned LLM in `start`, to be trained on."""
    if (start / ADAPTER_CONFIG).is_file():
        return PeftModel.from_pretrained(base, start, is_trainable=True)
    return load_network(start, torch.float32, "cpu")


def _finished(base: Path, kept: Path) -> Any:
    """The model of a checkpoint as it is saved: an adapter on its base, or a whole model in half precision."""
    if (kept / ADAPTER_CONFIG).is_file():
        return adapted(load_network(base, torch.float32, "cpu"), kept)
    return load_network(kept, torch.bfloat16, "cpu")


def _weights(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of weights in a folder, by its name; empty where there is no folder."""
    return {path.name: pull.digest(path, hashlib.sha256()) for path in sorted(folder.glob("*.safetensors"))}
