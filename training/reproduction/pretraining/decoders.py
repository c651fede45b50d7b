"""A small decoder-only LLM from random weights: pretrained on the texts of posts, and on copying.

Posts alone, by the tens of thousands, do not teach a small model to copy a hashtag from its prompt (see
[`reproduction.pretraining.copying`]), and tuning can only use what the base is able to do.
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

from reproduction.pretraining.copying import MAX_HASHTAGS, RANDOM, CopyingRecipe, pretraining_settings
from right_hf.generator.decoder_format import DecoderFormat
from right_hf.generator.hashtags import is_hashtag
from right_hf.posts import Post
from right_hf.precision import affordable
from right_hf.text.hashtags import normalise_hashtag
from right_hf.trainers.completions import CompletionLoss, LeftPadding, completion_record
from right_hf.trainers.runs import run_trainer


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


@dataclass(frozen=True)
class DecoderPretraining(CopyingRecipe):
    """Settings of the pretraining: those of the copying, which begins alone and takes the batches that are not text.

    Attributes:
        text: Share of the later batches that are beginnings of real posts, learned token by token.
        text_tokens: Tokens of such a beginning.
    """

    text: float = 0.5
    text_tokens: int = 40

    def is_text(self, step: int) -> bool:
        """Whether the batch of this step is text; such batches are spread evenly over the steps after the first."""
        later = step - int(self.bare * self.steps)
        return later >= 0 and int((later + 1) * self.text) > int(later * self.text)


class PretrainingExamples(Dataset[dict[str, list[int]]]):
    """Examples by number: the same seed and number always make the same example.

    Args:
        posts: Real posts, whose texts are read and whose hashtags are copied, each from a prompt of another post.
        form: How prompts and completions are written.
        recipe: How many examples, and what they are like.
        seed: Of the examples.
    """

    def __init__(self, posts: Sequence[Post], form: DecoderFormat, recipe: DecoderPretraining, seed: int) -> None:
        self.texts = [post.text for post in posts]
        self.hashtags = [hashtag for post in posts for hashtag in post.hashtags]
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
        # A batch's examples are alike in size, which saves padding.
        sizes = random.Random(f"{self.seed}:step {step}")
        words = text.split()[: sizes.randint(0, self.recipe.longest_post(step / self.recipe.steps))]
        hashtags = [self._hashtag(rng) for _ in range(sizes.randint(1, MAX_HASHTAGS))]
        copied = hashtags[: self.recipe.copied(step)]
        return completion_record(self.form.prompt(" ".join(words), hashtags), self.form.target(copied))

    def _hashtag(self, rng: random.Random) -> str:
        real = rng.choice(self.hashtags)
        return " ".join(rng.choices(self.words, k=len(real.split()))) if rng.random() < RANDOM else real


def pretrain_decoder(
    model: Any,
    form: DecoderFormat,
    posts: Sequence[Post],
    output: Path,
    recipe: DecoderPretraining,
    arguments: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Trains `model` in place; a run that was stopped goes on at its last checkpoint in `output`.

    Args:
        model: A decoder-only model with random weights.
        form: How prompts and completions are written.
        posts: Real posts with their hashtags.
        output: Folder of the Trainer's own checkpoints.
        recipe: Its settings.
        arguments: Fields of `TrainingArguments` that say where and how it runs, such as `use_cpu`.
        seed: Of the examples.

    Returns:
        See [`right_hf.trainers.runs.run_trainer`].
    """
    settings = pretraining_settings(recipe) | affordable(arguments)
    trainer = CompletionLoss(
        model=model,
        args=TrainingArguments(output_dir=str(output), seed=seed, data_seed=seed, **settings),
        train_dataset=PretrainingExamples(posts, form, recipe, seed),
        data_collator=LeftPadding(form.padding, model),
    )
    return run_trainer(trainer)
