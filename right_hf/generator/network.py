"""What generators share whose network runs on this machine: they write, and tell how likely they find any hashtag."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from right_hf.generator.base import Generation, Generator
from right_hf.generator.constraint import constraint_for
from right_hf.vocabulary import Vocabulary


class ReadPosts(Protocol):
    """Posts with their contexts as a network has read them, to go on from."""

    def write(self, settings: dict[str, Any]) -> torch.Tensor:
        """(B x sequences, T) token ids that `generate` of transformers writes with those settings."""
        ...

    def log_likelihoods(self, pools: Sequence[Sequence[str]]) -> list[dict[str, float]]:
        """Mean log-probability per token, the end included, of each post's hashtags as the first of the answer."""
        ...


class NetworkGenerator(Generator):
    """A generator whose network runs on this machine, and so tells how likely it finds any hashtag.

    Attributes:
        model: The network.
        tokenizer: Its tokenizer.
        format: Makes token ids of posts and hashtags, and hashtags of token ids; has `settings`, too.
    """

    model: Any
    tokenizer: Any
    format: Any

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the format."""
        return dict(self.format.settings)

    @property
    def networks(self) -> Sequence[Any]:
        """The network."""
        return (self.model,)

    @abstractmethod
    def _read(self, posts: Sequence[tuple[str, Sequence[str]]], scoring: bool) -> ReadPosts:
        """Reads posts with their contexts, whether to write and score or only to write."""

    @torch.inference_mode()
    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        *,
        allowed: Vocabulary | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post and, if there are candidates, scores both; see [`Generator.generate`].

        A post is read once. A hashtag's log-likelihood is that of being the first of the answer, its end included.
        `generation` goes to `model.generate`; of several returned sequences the hashtags are joined in order. With
        `allowed` nothing else can be written: tokens with which no allowed hashtag goes on are masked.
        """
        if not posts:
            return []
        read = self._read(list(zip(posts, contexts, strict=True)), candidates is not None)
        settings = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": False} | generation
        if "max_length" not in generation:
            settings = {"max_new_tokens": self.format.max_target_length} | settings
        constraint = constraint_for(self.format, allowed) if allowed is not None else None
        tags_of = self.format.hashtags if constraint is None else constraint.hashtags
        answers = read.write(settings if constraint is None else constraint.settings(settings)).tolist()
        each = len(answers) // len(posts)
        written = [
            list(dict.fromkeys(tag for answer in answers[i : i + each] for tag in tags_of(answer)))
            for i in range(0, len(answers), each)
        ]
        if candidates is None:
            return [Generation(tags, {}) for tags in written]
        pools = [list(dict.fromkeys([*tags, *more])) for tags, more in zip(written, candidates, strict=True)]
        scores = read.log_likelihoods(pools) if any(pools) else [{} for _ in pools]
        return [
            Generation(tags, found, {tag: len(self.format.target([tag])) for tag in found})
            for tags, found in zip(written, scores, strict=True)
        ]
