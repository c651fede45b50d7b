"""Training of the asymmetric selector: both sides learn to say what a pretrained encoder says of the same texts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from right_hf.encoders import Matrix, embed_in_parts, unit_rows
from right_hf.posts import Post
from right_hf.registry import component_class
from right_hf.selector.asymmetric_encoder import HEAD, AsymmetricEncoder, in_eight_bits
from right_hf.text.words import words
from right_hf.trainers.asymmetric_network import AsymmetricNetwork
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.pretrained import base_identity, base_record, encoder_source, token_vectors, weighted_by_rank
from right_hf.trainers.recipe import EncoderRecipe, SelectorRecipe
from right_hf.trainers.runs import run_trainer

#: Words of a part of a post, at least.
_SHORTEST_PART = 3
#: Words of the phrases of a post that stand for hashtags which nobody has used yet.
_LONGEST_PHRASE = 2
#: How many of each post.
_PHRASES_OF_A_POST = 2
#: Short texts beside each post of a batch.
_BESIDE = 4
_DEFAULTS = {
    "learning_rate": 2e-3,
    "num_train_epochs": 3,
    "per_device_train_batch_size": 128,
    "warmup_steps": 60,
    "weight_decay": 0.0,
    "logging_steps": 50,
    "save_strategy": "epoch",
    "dataloader_pin_memory": False,
}


@dataclass(frozen=True)
class AsymmetricRecipe(EncoderRecipe, SelectorRecipe):
    """Settings of an asymmetric selector.

    Attributes:
        encoder: The teacher.
        dimensions: Width of the encoder, a multiple of 64.
        layers: Layers of attention on the side of posts.
        inner: Width of their feed-forward parts.
        max_seq_length: Tokens of a post that are read.
        hit_scale: How hit scores are scaled.
    """

    type: str = "asymmetric"
    dimensions: int = 256
    layers: int = 2
    inner: int = 512
    max_seq_length: int = 64
    hit_scale: str = "relative"

    def __post_init__(self) -> None:
        if self.dimensions < HEAD or self.dimensions % HEAD:
            raise ValueError(f"dimensions must be a multiple of {HEAD}, got {self.dimensions!r}.")


class Distillation:
    """Trains an [`right_hf.selector.asymmetric.AsymmetricSelector`]."""

    settings = AsymmetricRecipe
    #: Posts and hashtags are learnt apart, so a ranker may learn from the posts that it was trained on.
    unsupervised = True

    def train(self, job: Job) -> Trained:
        """Trains it on posts, hashtags and phrases, whoever wrote them; see [`right_hf.component.Trainer`]."""
        recipe: AsymmetricRecipe = job.recipe.selector
        source = encoder_source(recipe)
        job.claim(base=base_identity(source))
        teacher = SentenceTransformer(source, device="cpu")
        if recipe.dimensions > (most := teacher.get_embedding_dimension() or 0):
            raise ValueError(f"dimensions must be at most the {most} of its teacher, got {recipe.dimensions}.")
        posts, hashtags = post_texts(job.posts, job.recipe.seed), short_texts(job.posts, job.recipe.seed)
        keep = job.checkpoints / "teacher"
        targets = [embed_in_parts(teacher, texts, keep) for texts in (posts, hashtags)]
        directions = principal_directions(np.concatenate(targets), recipe.dimensions)
        tokenizer = Tokenizer.from_str(teacher.tokenizer.backend_tokenizer.to_str())
        tokens = weighted_by_rank(torch.from_numpy(unit_rows(token_vectors(teacher).cpu().numpy() @ directions)))
        torch.manual_seed(job.recipe.seed)
        network = AsymmetricNetwork(tokens, recipe.max_seq_length, recipe.layers, recipe.inner)
        ids = (_ids(tokenizer, texts, recipe.max_seq_length) for texts in (posts, hashtags))
        post_side, hashtag_side = map(Side, ids, (unit_rows(found @ directions) for found in targets))
        trainer = Trainer(
            model=network,
            args=TrainingArguments(**job.trainer_settings(_DEFAULTS, recipe.arguments)),
            train_dataset=Lessons(post_side, hashtag_side, job.recipe.seed),
            data_collator=collate,
            callbacks=list(job.callbacks),
        )
        log = run_trainer(trainer)
        encoder = AsymmetricEncoder(tokenizer, in_eight_bits(network.cpu().weights()))
        kind: Any = component_class("selector", recipe.type)
        return Trained(kind(encoder, recipe.hit_scale), {**base_record(source), **log})


def post_texts(posts: Iterable[Post], seed: int) -> list[str]:
    """The posts, and of each a part of at least three words, so that there is more to learn; in alphabetical order."""
    found: set[str] = set()
    for post in posts:
        parts = post.text.split()
        if parts:
            found.add(post.text)
        if len(parts) > _SHORTEST_PART:
            rng = random.Random(f"{seed}:part:{post.id}")
            length = rng.randrange(_SHORTEST_PART, len(parts))
            first = rng.randint(0, len(parts) - length)
            found.add(" ".join(parts[first : first + length]))
    return sorted(found)


def short_texts(posts: Iterable[Post], seed: int) -> list[str]:
    """The hashtags of posts, and of each post some phrases of one or two words, in alphabetical order."""
    found: set[str] = set()
    for post in posts:
        found.update(post.hashtags)
        parts = [word.lower() for word in words(post.text)]
        rng = random.Random(f"{seed}:{post.id}")
        for _ in range(_PHRASES_OF_A_POST if parts else 0):
            first, length = rng.randrange(len(parts)), rng.randint(1, _LONGEST_PHRASE)
            found.add(" ".join(parts[first : first + length]))
    return sorted(found)


def principal_directions(vectors: Matrix, dimensions: int) -> Matrix:
    """The directions in which vectors are longest, (d, dimensions), with no mean taken off: dot products stay."""
    _, directions = np.linalg.eigh(vectors.T @ vectors)  # the least first
    return np.asarray(directions[:, ::-1][:, :dimensions], dtype=np.float32)


class Side(NamedTuple):
    """Texts of one side: the ids of the tokens of each, and what the teacher makes of it, (n, d)."""

    ids: list[list[int]]
    targets: Matrix


def _ids(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> list[list[int]]:
    tokenizer.no_padding()
    tokenizer.no_truncation()
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [found.ids[:longest] for found in encoded]


class Lesson(NamedTuple):
    """One post and some short texts: ids of tokens, and targets."""

    post: list[int]
    hashtags: list[list[int]]
    post_target: Matrix
    hashtag_targets: Matrix


class Lessons(Dataset[Lesson]):
    """A lesson for each post; all short texts have their turn, in an order that is the same in every epoch."""

    def __init__(self, posts: Side, hashtags: Side, seed: int) -> None:
        self._posts, self._hashtags = posts, hashtags
        self._order = np.random.default_rng(seed).permutation(len(hashtags.ids))

    def __len__(self) -> int:
        return len(self._posts.ids)

    def __getitem__(self, at: int) -> Lesson:
        chosen = self._order[np.arange(_BESIDE * at, _BESIDE * (at + 1)) % len(self._order)]
        hashtags = [self._hashtags.ids[row] for row in chosen.tolist()]
        return Lesson(self._posts.ids[at], hashtags, self._posts.targets[at], self._hashtags.targets[chosen])


def collate(lessons: Sequence[Lesson]) -> dict[str, Tensor]:
    """The arguments of [`AsymmetricNetwork.forward`]."""
    return {
        "posts": _padded(lesson.post for lesson in lessons),
        "hashtags": _padded(ids for lesson in lessons for ids in lesson.hashtags),
        "post_targets": torch.from_numpy(np.stack([lesson.post_target for lesson in lessons])),
        "hashtag_targets": torch.from_numpy(np.concatenate([lesson.hashtag_targets for lesson in lessons])),
    }


def _padded(rows: Iterable[list[int]]) -> Tensor:
    return pad_sequence([torch.tensor(ids, dtype=torch.long) for ids in rows], batch_first=True, padding_value=-1)
