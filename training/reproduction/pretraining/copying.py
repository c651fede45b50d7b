"""Pretraining of a generator with random weights: it learns to copy a hashtag from its input.

A pretrained T5 can copy; one that starts from random weights does not learn it from a few tens of thousands of posts,
and then reads past the retrieved hashtags. Here the hashtags have nothing to do with the post, so that only copying
helps: half of them are hashtags of other posts, half are random tokens, as many as a real hashtag has, so that it helps
for every token of the vocabulary. At first the input holds nothing but hashtags, then ever longer beginnings of real
posts before them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset
from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainingArguments
from typing_extensions import Self

from right_hf.generator.prompt import HashtagFormat
from right_hf.posts import Post
from right_hf.precision import affordable
from right_hf.trainers.runs import run_trainer
from right_hf.trainers.seq2seq import TokenLossTrainer, adamw

#: Hashtags an input holds at most.
MAX_HASHTAGS = 7
#: Share of the hashtags that are random tokens.
RANDOM = 0.5


@dataclass(frozen=True)
class CopyingRecipe:
    """Settings of the pretraining, and of what is rehearsed of it later.

    Attributes:
        steps: Batches in all.
        batch_size: Examples a batch.
        learning_rate: Its peak; it falls with a cosine.
        bare: Share of the steps before the first posts.
        post_tokens: Tokens of a post at most, reached at the end.
        rehearsed: Copying examples among those of an epoch of fine-tuning, as a share of its posts. Without them a
            small generator that learns to write hashtags of its own unlearns some of the copying.

    Raises:
        ValueError: `rehearsed` is negative.
    """

    steps: int = 3000
    batch_size: int = 64
    learning_rate: float = 2e-3
    bare: float = 0.3
    post_tokens: int = 60
    rehearsed: float = 0.0

    def __post_init__(self) -> None:
        if self.rehearsed < 0:
            raise ValueError(f"rehearsed must be a share of the posts, 0 or more, got {self.rehearsed!r}.")

    def copied(self, step: int) -> int:
        """How many hashtags are copied; one length of output for a whole batch saves padding."""
        return 2 if step % 5 == 0 else 1

    def longest_post(self, progress: float) -> int:
        """How many tokens of a post an example may hold after this share of the steps."""
        if progress < self.bare:
            return 0
        return 1 + int((progress - self.bare) / (1 - self.bare) * (self.post_tokens - 1))


class CopyingExamples(Dataset[dict[str, list[int]]]):
    """Examples by number: the same seed and number always make the same example.

    Args:
        posts: Token ids of real posts.
        hashtags: Token ids of real hashtags.
        form: How inputs and outputs are written.
        recipe: How many examples, and what they are like.
        seed: Of the examples.
    """

    def __init__(
        self,
        posts: Sequence[list[int]],
        hashtags: Sequence[list[int]],
        form: HashtagFormat,
        recipe: CopyingRecipe,
        seed: int,
    ) -> None:
        self.posts = posts
        self.hashtags = hashtags
        self.form = form
        self.recipe = recipe
        self.seed = seed
        special = {*form.structure, *form.tokenizer.all_special_ids}
        self.tokens = [token for token in range(len(form.tokenizer)) if token not in special]

    @classmethod
    def of_posts(cls, posts: Sequence[Post], form: HashtagFormat, recipe: CopyingRecipe, seed: int) -> Self:
        """Examples of the beginnings of these posts' texts, and of their hashtags."""
        texts = [form.source(post.text, ())[:-1] for post in posts]
        hashtags = [form.target([hashtag])[:-1] for post in posts for hashtag in post.hashtags]
        return cls(texts, hashtags, form, recipe, seed)

    def __len__(self) -> int:
        return self.recipe.steps * self.recipe.batch_size

    def __getitem__(self, number: int) -> dict[str, list[int]]:
        rng = random.Random(f"{self.seed}:{number}")
        step = number // self.recipe.batch_size
        # A batch's examples are alike in size, which saves padding.
        sizes = random.Random(f"{self.seed}:step {step}")
        longest = self.recipe.longest_post(step / self.recipe.steps)
        return self._example(rng, sizes.randint(0, longest), sizes.randint(1, MAX_HASHTAGS), self.recipe.copied(step))

    def _example(self, rng: random.Random, post_tokens: int, number: int, copied: int) -> dict[str, list[int]]:
        post = rng.choice(self.posts)[:post_tokens]
        hashtags = [self._hashtag(rng) for _ in range(number)]
        end = self.form.tokenizer.eos_token_id
        source = [*post, *(token for hashtag in hashtags for token in (self.form.sep1, *hashtag)), end]
        target = [token for hashtag in hashtags[:copied] for token in (self.form.sep2, *hashtag)][1:]
        return {"input_ids": source, "attention_mask": [1] * len(source), "labels": [*target, end]}

    def _hashtag(self, rng: random.Random) -> list[int]:
        real = rng.choice(self.hashtags)
        return rng.choices(self.tokens, k=len(real)) if rng.random() < RANDOM else real


class RehearsedExamples(CopyingExamples):
    """Examples of an epoch of fine-tuning, each of a size of its own, as long as pretraining's last."""

    def __len__(self) -> int:
        return round(self.recipe.rehearsed * len(self.posts))

    def __getitem__(self, number: int) -> dict[str, list[int]]:
        rng = random.Random(f"{self.seed}:rehearsed {number}")
        post_tokens, hashtags = rng.randint(0, self.recipe.post_tokens), rng.randint(1, MAX_HASHTAGS)
        return self._example(rng, post_tokens, hashtags, self.recipe.copied(rng.randrange(5)))


def pretrain_copying(
    model: Any,
    form: HashtagFormat,
    posts: Sequence[Post],
    output: Path,
    recipe: CopyingRecipe,
    arguments: dict[str, Any],
    seed: int,
    embedding_factor: float = 1.0,
) -> dict[str, Any]:
    """Trains `model` in place to copy hashtags; a run that was stopped goes on at its last checkpoint in `output`.

    Args:
        model: A T5 with random weights.
        form: How inputs and outputs are written.
        posts: Real posts, of whose texts the beginnings are used, and their hashtags.
        output: Folder of the Trainer's own checkpoints.
        recipe: Its settings.
        arguments: Fields of `TrainingArguments` that say where and how it runs, such as `bf16`.
        seed: Of the examples.
        embedding_factor: How much faster the embeddings learn, see [`right_hf.trainers.seq2seq.adamw`].

    Returns:
        See [`right_hf.trainers.runs.run_trainer`].
    """
    settings = pretraining_settings(recipe) | affordable(arguments)
    trainer = TokenLossTrainer(
        model=model,
        args=Seq2SeqTrainingArguments(output_dir=str(output), seed=seed, data_seed=seed, **settings),
        optimizers=(adamw(model, settings["learning_rate"], 1e-5, embedding_factor), None),
        train_dataset=CopyingExamples.of_posts(posts, form, recipe, seed),
        data_collator=DataCollatorForSeq2Seq(form.tokenizer, padding=True),
    )
    return run_trainer(trainer)


def pretraining_settings(recipe: CopyingRecipe) -> dict[str, Any]:
    """Fields of `TrainingArguments` that pretraining sets."""
    return {
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 100,
        "per_device_train_batch_size": recipe.batch_size,
        "num_train_epochs": 1,
        "train_sampling_strategy": "sequential",  # the order is the curriculum
        "save_strategy": "steps",
        "save_steps": 0.2,
        "save_total_limit": 1,
        "logging_steps": 50,
        "report_to": "none",
        "remove_unused_columns": False,
    }
