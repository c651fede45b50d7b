"""Training of a SEGTRM: as of a T5, but for what it starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from reproduction.segtrm.modeling_segtrm import SegtrmForHashtagGeneration
from reproduction.segtrm.segments import add_segment_tokens
from reproduction.segtrm.shape import SegtrmShape, segtrm_from_scratch
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import generator_base
from right_hf.trainers.seq2seq import Seq2SeqRecipe, Seq2SeqTraining


@dataclass(frozen=True)
class SegtrmRecipe(Seq2SeqRecipe):
    """Settings of a SEGTRM; its `base` is a BERT, or a folder with a tokenizer alone for one with random weights.

    Attributes:
        shape: Sizes of one with random weights, see [`SegtrmShape`]; beside a BERT what
            [`SegtrmForHashtagGeneration.from_encoder`] takes.
    """

    type: str = "segtrm"
    shape: dict[str, Any] = field(default_factory=dict)


class SegtrmTraining(Seq2SeqTraining):
    """Trains a [`reproduction.segtrm.SegtrmGenerator`]."""

    settings = SegtrmRecipe

    def train(self, job: Job) -> Trained:
        """Trains it on the training posts alone.

        Raises:
            ValueError: The job has a selector, whose hashtags it would not read.
        """
        if "selector" in job.folders:
            raise ValueError("SEGTRM reads the post alone. Leave out --selector.")
        return super().train(job)

    def start(self, job: Job) -> tuple[Any, Any]:
        """A model with the encoder of the base, or with random weights drawn by the recipe's seed."""
        recipe: SegtrmRecipe = job.recipe.generator
        source, seed = generator_base(recipe), job.recipe.seed
        tokenizer = AutoTokenizer.from_pretrained(source)
        if Path(source).is_dir() and not (Path(source) / "config.json").is_file():
            return segtrm_from_scratch(SegtrmShape(**recipe.shape), add_segment_tokens(tokenizer), seed), tokenizer
        torch.manual_seed(seed)
        encoder = AutoModel.from_pretrained(source)
        return SegtrmForHashtagGeneration.from_encoder(encoder, tokenizer, **recipe.shape), tokenizer
