"""Tuning of a decoder-only LLM: with LoRA or whole, and on from there with GRPO; by one process or by many.

Only the settings are here; peft and trl are imported when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from right_hf.generator.decoder_base import Base, adapted, load_network
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.loading import ADAPTER_CONFIG, LOADING, load_tokenizer
from right_hf.registry import component_class
from right_hf.trainers.examples import generator_examples
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, for_training, generator_base
from right_hf.trainers.recipe import GeneratorRecipe
from right_hf.trainers.runs import digest


@dataclass(frozen=True)
class LlmRecipe(GeneratorRecipe):
    """Settings of a decoder-only LLM; `arguments` are fields of `trl.SFTConfig`.

    Attributes:
        revision: Of its base on the Hub.
        template: Of its prompt, "paper" or "short".
        lora: Fields of `peft.LoraConfig`; None to tune all weights.
        grpo: Settings of [`right_hf.trainers.tuning.GrpoRecipe`]; None for a recipe without GRPO.
    """

    type: str = "decoder"
    revision: str | None = None
    template: str = "short"
    lora: dict[str, Any] | None = None
    grpo: dict[str, Any] | None = None


class LlmTraining:
    """Tunes a [`right_hf.generator.DecoderGenerator`]."""

    settings = LlmRecipe

    def train(self, job: Job) -> Trained:
        """Tunes the recipe's base, or goes on with GRPO from the tuned LLM in the job's folder "start".

        Under `accelerate launch` every process calls it, and the first one gets the component.

        Raises:
            ImportError: peft or trl is not installed.
            ValueError: The recipe names no base, or has no `grpo` to go on with.
        """
        try:
            from accelerate import PartialState

            from right_hf.trainers.tuning import train_grpo, train_sft
        except ImportError as error:
            raise ImportError(f"Tuning an LLM needs peft and trl ({error}): pip install 'right_hf[llm]'") from error
        recipe: LlmRecipe = job.recipe.generator
        start = job.folders.get("start")
        if start is not None and recipe.grpo is None:
            raise ValueError("The recipe has no `grpo` under `generator`. Add its settings, or {} for the defaults.")
        source = generator_base(recipe)
        examples = generator_examples(job)
        state = PartialState(cpu=bool(recipe.arguments.get("use_cpu")))
        if state.is_main_process:
            begun = {} if start is None else {"start": base_identity(str(start))}
            job.claim(examples=digest(examples[0]), base=base_identity(source), **begun)
        state.wait_for_everyone()
        base = Base.of(source, recipe.revision)
        root = base.folder()
        # A frozen base need not be as exact as weights that are learned.
        dtype = torch.bfloat16 if recipe.lora is not None and torch.cuda.is_available() else torch.float32
        model = for_training(load_network(root, dtype, "cpu"))
        tokenizer = load_tokenizer(root)
        lengths = (recipe.max_source_length, recipe.max_target_length)
        form = DecoderFormat(tokenizer, job.recipe.language, recipe.template, *lengths)
        if start is None:
            log = train_sft(model, form, examples, job)
        else:
            log = train_grpo(_begun(model, start), form, examples, job)
        kept: Path = log.pop("checkpoint")
        record = {"retrieval": any(example.context for example in examples[0]), **base_record(source), **log}
        if not state.is_main_process:
            return Trained(None, record)
        network = _finished(root, kept)
        kind: Any = component_class("generator", recipe.type)
        return Trained(kind(network, tokenizer, form.language, form.template, *lengths, base), record)


def _begun(base: Any, start: Path) -> Any:
    """The tuned LLM in `start`, to be trained on."""
    if (start / ADAPTER_CONFIG).is_file():
        from peft import PeftModel

        with LOADING:
            return PeftModel.from_pretrained(base, start, is_trainable=True)
    return load_network(start, torch.float32, "cpu")


def _finished(base: Path, kept: Path) -> Any:
    """The model of a checkpoint as it is saved: an adapter on its base, or a whole model in half precision."""
    if (kept / ADAPTER_CONFIG).is_file():
        return adapted(load_network(base, torch.float32, "cpu"), kept)
    return load_network(kept, torch.bfloat16, "cpu")
