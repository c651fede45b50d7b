"""A small decoder-only LLM from random weights: pretrained on the texts of posts, and on copying.

Posts alone, by the tens of thousands, do not teach a small model to copy a hashtag from its prompt (see
[`right_hf.training.copying`]), and tuning can only use what the base is able to do.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import AutoConfig, AutoModelForCausalLM, TrainingArguments

from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.hashtags import is_hashtag
from right_hf.posts import normalise_hashtag
from right_hf.training.completions import CompletionLoss, LeftPadding, completion_record
from right_hf.training.copying import MAX_HASHTAGS, CopyingRecipe, pretraining_settings
from right_hf.training.recipe import GeneratorRecipe
from right_hf.training.runs import last_checkpoint

#: Words of the vocabulary a hashtag has; two or three are the commonest.
_LENGTHS = (1, 2, 2, 3, 3, 4, 5)


@dataclass(frozen=True)
class DecoderShape:
    """Architecture and sizes of a decoder-only LLM that starts from random weights."""

    model_type: str = "llama"
    hidden_size: int = 128
    intermediate_size: int = 384
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    max_position_embeddings: int = 512


def decoder_from_scratch(shape: DecoderShape, tokenizer: Any, seed: int) -> Any:
    """A model of this shape with random weights for this tokenizer; input and output embeddings are one."""
    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": True,
        "head_dim": shape.hidden_size // shape.num_attention_heads,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(**vars(shape), **settings))


def decoder_format(recipe: GeneratorRecipe, tokenizer: Any, language: str) -> DecoderFormat:
    """How a decoder's prompts and answers are written; with the short template unless the recipe has another."""
    template = recipe.template or "short"
    return DecoderFormat(tokenizer, language, template, recipe.max_source_length, recipe.max_target_length)


@dataclass(frozen=True)
class DecoderPretraining(CopyingRecipe):
    """Settings of the pretraining: those of the copying, which takes the batches that are not text.

    Attributes:
        post_tokens: Words of a post at most, reached at the end.
        text: Share of the batches that are beginnings of real posts, learned token by token.
        text_tokens: Tokens of such a beginning.
    """

    post_tokens: int = 30
    text: float = 0.5
    text_tokens: int = 40

    def is_text(self, step: int) -> bool:
        """Whether the batch of this step is text; such batches are spread evenly."""
        return int((step + 1) * self.text) > int(step * self.text)


class PretrainingExamples(Dataset[dict[str, list[int]]]):
    """Examples by number: the same seed and number always make the same example.

    Args:
        texts: Real posts.
        form: How prompts and completions are written.
        recipe: How many examples, and what they are like.
        seed: Of the examples.
    """

    def __init__(self, texts: Sequence[str], form: DecoderFormat, recipe: DecoderPretraining, seed: int) -> None:
        self.texts = texts
        self.form = form
        self.recipe = recipe
        self.seed = seed
        tokens = [form.tokenizer.decode([number]) for number in range(len(form.tokenizer))]
        self.words = sorted({token for token in map(normalise_hashtag, tokens) if is_hashtag(token)})

    def __len__(self) -> int:
        return self.recipe.steps * self.recipe.batch_size

    def __getitem__(self, number: int) -> dict[str, list[int]]:
        rng = random.Random(f"{self.seed}:{number}")
        step = number // self.recipe.batch_size
        text = rng.choice(self.texts)
        if self.recipe.is_text(step):
            ids = self.form.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            return completion_record([], [*ids[: self.recipe.text_tokens], self.form.tokenizer.eos_token_id])
        longest = self.recipe.longest_post(step / self.recipe.steps)
        hashtags = [self._hashtag(rng) for _ in range(rng.randint(1, MAX_HASHTAGS))]
        copied = hashtags[: self.recipe.copied(step)]
        post = " ".join(text.split()[: rng.randint(0, longest)])
        return completion_record(self.form.prompt(post, hashtags), self.form.target(copied))

    def _hashtag(self, rng: random.Random) -> str:
        return " ".join(rng.choices(self.words, k=rng.choice(_LENGTHS)))


def pretrain_decoder(
    model: Any,
    form: DecoderFormat,
    texts: Sequence[str],
    output: Path,
    recipe: DecoderPretraining,
    arguments: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Trains `model` in place; a run that was stopped goes on at its last checkpoint in `output`.

    Args:
        model: A decoder-only model with random weights.
        form: How prompts and completions are written.
        texts: Real posts.
        output: Folder of the Trainer's own checkpoints.
        recipe: Its settings.
        arguments: Fields of `TrainingArguments` that say where and how it runs, such as `use_cpu`.
        seed: Of the examples.

    Returns:
        The Trainer's log.
    """
    settings = pretraining_settings(recipe) | arguments
    trainer = CompletionLoss(
        model=model,
        args=TrainingArguments(output_dir=str(output), seed=seed, data_seed=seed, **settings),
        train_dataset=PretrainingExamples(texts, form, recipe, seed),
        data_collator=LeftPadding(form.padding, model),
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(output))
    return {"log": trainer.state.log_history, "steps": trainer.state.global_step}
