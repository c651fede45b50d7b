"""Co-training: what the generator finds likely is distilled into selector and dense retriever.

The selector learns which of a post's retrieved hashtags the generator finds likely; the retriever, which of the hits
make the gold hashtags likely when the generator reads the hashtags of that hit alone (REPLUG LSR; Shi et al., 2024).
The generator must not have been trained on the posts: of those it knows the answer, whatever it reads beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from torch.nn import functional

from right_hf.batches import batches_of_like_length
from right_hf.generator import Generator
from right_hf.persistence import atomic_file
from right_hf.posts import Post
from right_hf.retriever import Hit
from right_hf.training.contrastive import train_encoder
from right_hf.training.losses import distillation_loss
from right_hf.training.recipe import build_settings

#: Posts with contexts that the generator reads at a time.
_BATCH = 64


@dataclass(frozen=True)
class DistillRecipe:
    """How one encoder is trained on likelihoods.

    Attributes:
        temperature: Divides the log-likelihoods, above 0; the lower, the more the target lies on the likeliest.
        arguments: Fields of `SentenceTransformerTrainingArguments`.
    """

    temperature: float = 1.0
    arguments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ValueError(f"temperature must be above 0, got {self.temperature!r}.")


@dataclass(frozen=True)
class CotrainingRecipe:
    """Settings of co-training.

    Attributes:
        posts: At most so many held-out posts are looked at.
        candidates: Hashtags of each post that the selector learns from, at least 2: the first of its ranking.
        selector: How the selector is trained.
        retriever: How the dense retriever is trained.
    """

    posts: int = 8000
    candidates: int = 20
    selector: DistillRecipe = DistillRecipe()
    retriever: DistillRecipe = DistillRecipe()

    def __post_init__(self) -> None:
        if self.posts < 1 or self.candidates < 2:
            raise ValueError(
                f"needs at least 1 of `posts` and 2 of `candidates`, got {self.posts} and {self.candidates}."
            )


def build_cotraining_recipe(values: Any, where: str) -> CotrainingRecipe:
    """The settings of co-training from plain values; errors as in [`build_settings`]."""
    parts = values if isinstance(values, dict) else {}
    encoders = {name: parts[name] for name in ("selector", "retriever") if name in parts}
    built = {name: build_settings(DistillRecipe, given, f"{where}, {name}") for name, given in encoders.items()}
    recipe: CotrainingRecipe = build_settings(CotrainingRecipe, {**values, **built} if built else values, where)
    return recipe


class Judged(NamedTuple):
    """A post with texts that an encoder compares with it, and how likely each makes or is the answer.

    Attributes:
        post: The text of the post.
        texts: Hashtags, or the texts of retrieved posts; at least two.
        likelihoods: A log-likelihood for each, at most 0.
    """

    post: str
    texts: tuple[str, ...]
    likelihoods: tuple[float, ...]


def judge_hashtags(
    generator: Generator, posts: Sequence[Post], ranked: Sequence[Sequence[str]], context: int, candidates: int
) -> list[Judged]:
    """How likely the generator finds each of a post's retrieved hashtags, per token.

    Args:
        generator: Has not seen the posts.
        posts: Posts with a text.
        ranked: The hashtags of each one's hits, best first.
        context: The generator reads so many of them, as it does when it writes.
        candidates: So many are judged.

    Returns:
        The posts with at least two such hashtags.

    Raises:
        ValueError: The generator tells no likelihoods, as a chat model behind a server.
    """
    pairs = [(post, tuple(found)) for post, found in zip(posts, ranked, strict=True) if len(found) > 1]
    texts = [post.text for post, _ in pairs]
    judged = [found[:candidates] for _, found in pairs]
    scores = _likelihoods(generator, texts, [found[:context] for _, found in pairs], judged)
    return [Judged(*row) for row in zip(texts, judged, scores, strict=True)]


def judge_hits(generator: Generator, posts: Sequence[Post], hits: Sequence[Sequence[Hit]]) -> list[Judged]:
    """How likely each hit makes the gold hashtags: the mean over these, per token, where its hashtags alone are read.

    Args:
        generator: Has not seen the posts.
        posts: Posts with a text.
        hits: The retrieved posts of each.

    Returns:
        The posts with a gold hashtag and at least two hits.

    Raises:
        ValueError: The generator tells no likelihoods.
    """
    rows = [(post, found) for post, found in zip(posts, hits, strict=True) if post.hashtags and len(found) > 1]
    # Hits of one post often have the same hashtags, which need to be read but once.
    pairs = list(dict.fromkeys((post, hit.post.hashtags) for post, found in rows for hit in found))
    texts, gold = [post.text for post, _ in pairs], [post.hashtags for post, _ in pairs]
    scores = _likelihoods(generator, texts, [beside for _, beside in pairs], gold)
    means = {pair: float(np.mean(found)) for pair, found in zip(pairs, scores, strict=True)}
    return [
        Judged(post.text, tuple(hit.post.text for hit in found), tuple(means[post, hit.post.hashtags] for hit in found))
        for post, found in rows
    ]


def _likelihoods(
    generator: Generator,
    texts: Sequence[str],
    contexts: Sequence[Sequence[str]],
    candidates: Sequence[Sequence[str]],
) -> list[tuple[float, ...]]:
    """The mean log-probability per token of each text's candidates."""
    found: dict[int, tuple[float, ...]] = {}
    for rows in batches_of_like_length(texts, _BATCH, "judging"):
        posts, pools = [texts[row] for row in rows], [candidates[row] for row in rows]
        beside = [contexts[row] for row in rows]
        written = generator.generate(posts, beside, pools, max_new_tokens=1)  # what it would write is not asked for
        for row, generation in zip(rows, written, strict=True):
            if not generation.log_likelihoods:
                kind = type(generator).__name__
                raise ValueError(f"A {kind} tells no likelihoods. Distil from a Seq2SeqGenerator or DecoderGenerator.")
            found[row] = tuple(generation.log_likelihoods[tag] for tag in candidates[row])
    return [found[row] for row in range(len(texts))]


def write_judged(path: Path, judged: Sequence[Judged]) -> None:
    """Writes one JSON object a line, whole or not at all."""
    with atomic_file(path) as scratch, scratch.open("w", encoding="utf-8") as lines:
        for row in judged:
            lines.write(json.dumps(row._asdict(), ensure_ascii=False) + "\n")


def read_judged(path: Path) -> list[Judged]:
    """Reads what [`write_judged`] wrote.

    Raises:
        ValueError: A line is no such record; the message names file and line.
    """
    return list(_judged(path))


def _judged(path: Path) -> Iterator[Judged]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                found = Judged(str(row["post"]), tuple(row["texts"]), tuple(map(float, row["likelihoods"])))
                if not len(found.texts) == len(found.likelihoods) > 1:
                    raise ValueError(f"{len(found.texts)} texts with {len(found.likelihoods)} likelihoods")
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: {error}. Remove the file; it is made again.") from None
            yield found


def distillation_columns(judged: Sequence[Judged]) -> dict[str, list[Any]]:
    """Columns for sentence-transformers' trainer: posts, as many texts as the longest row has, and the likelihoods.

    Shorter rows are filled with empty texts, whose likelihood is minus infinity.

    Raises:
        ValueError: There are no rows.
    """
    if not judged:
        raise ValueError("There is nothing to distil: no held-out post has two candidates. Use more posts.")
    width = max(len(row.texts) for row in judged)
    columns: dict[str, list[Any]] = {"post": [row.post for row in judged]}
    for place in range(width):
        columns[f"text-{place}"] = [row.texts[place] if place < len(row.texts) else "" for row in judged]
    columns["label"] = [[*row.likelihoods, *[-np.inf] * (width - len(row.texts))] for row in judged]
    return columns


class DistillationLoss(nn.Module):
    """[`distillation_loss`] of what an encoder makes of the columns of [`distillation_columns`]."""

    def __init__(self, model: SentenceTransformer, temperature: float) -> None:
        super().__init__()
        self.model = model
        self.temperature = temperature

    def forward(self, sentence_features: Sequence[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The loss of a batch: features of the post and of each text, (B, C) likelihoods."""
        vectors = [self.model(features)["sentence_embedding"] for features in sentence_features]  # (B, d) each
        post, *texts = (functional.normalize(found.float(), dim=-1) for found in vectors)
        cosines = (torch.stack(texts, dim=1) * post.unsqueeze(1)).sum(-1)  # (B, C)
        return distillation_loss(cosines, labels, self.temperature)

    def get_config_dict(self) -> dict[str, Any]:
        """What sentence-transformers writes into its card."""
        return {"temperature": self.temperature}


def train_distilled(
    model: SentenceTransformer, judged: Sequence[Judged], output: Path, settings: DistillRecipe, seed: int
) -> dict[str, Any]:
    """Trains an encoder, in place, until its cosines order texts as their likelihoods do; see [`train_encoder`].

    Args:
        model: The encoder, trained already, in full precision.
        judged: The training data.
        output: Folder of the Trainer's own checkpoints, at the last of which a run that was stopped goes on.
        settings: Temperature, and arguments of the Trainer.
        seed: Of the order of the posts.

    Returns:
        The Trainer's log.
    """
    loss = DistillationLoss(model, settings.temperature)
    defaults = {"per_device_train_batch_size": 64, "num_train_epochs": 1, "save_strategy": "epoch"}
    return train_encoder(model, distillation_columns(judged), loss, output, {**defaults, **settings.arguments}, seed)
