"""What generators share whose network runs on this machine: they write, and tell how likely they find any hashtag."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import torch

from right_hf.generator.base import Generation, Generator
from right_hf.generator.constraint import Constraint, constraint_for
from right_hf.generator.engine import Engine, check_compute_type, check_engine, is_installed
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
        engine: Writes in PyTorch's place what it can; None where PyTorch writes everything.
    """

    model: Any
    tokenizer: Any
    format: Any
    engine: Engine | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Those of the format."""
        return dict(self.format.settings)

    @property
    def networks(self) -> Sequence[Any]:
        """The network."""
        return (self.model,)

    def use_engine(self, name: str | None, compute_type: str | None = None) -> None:
        """Lets an engine write from now on, with the weights as they are; likelihoods stay PyTorch's.

        What it cannot write as PyTorch would, PyTorch writes: with `allowed`, samples (`do_sample`), beams without
        `early_stopping=True`, and arguments that it does not know; everything on another device than the CPU, and once
        the weights have changed. The first answer converts the network, see
        [`right_hf.generator.ctranslate2_engine.CTranslate2Engine`].

        Args:
            name: "torch" or "ctranslate2" (`pip install 'right_hf[fast]'`). None for CTranslate2 in float32, whose
                answers are PyTorch's, if it is installed and knows the network, which has float32 weights, 100 million
                at most; else for PyTorch.
            compute_type: Of "ctranslate2": "int8", the default, or another that CTranslate2 has on this CPU, such as
                "float32".

        Raises:
            ImportError: It is not installed.
            ValueError: There is no such engine or compute type, or it does not know the network.
        """
        check_engine(name)
        check_compute_type(name, compute_type)
        self.engine = None
        if name == "ctranslate2" or (name is None and is_installed()):
            from right_hf.generator.ctranslate2_engine import NAMED, UNNAMED, CTranslate2Engine

            wanted = (compute_type or NAMED) if name is not None else UNNAMED
            self.engine = CTranslate2Engine(self.model, wanted, named=name is not None)

    @abstractmethod
    def _prompt(self, post: str, hashtags: Sequence[str]) -> list[int]:
        """Token ids of what the network reads of a post and its context."""

    @abstractmethod
    def _read(self, prompts: Sequence[Sequence[int]], scoring: bool) -> ReadPosts:
        """Lets PyTorch read prompts, whether to write and score or only to write."""

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
        prompts = [self._prompt(post, hashtags) for post, hashtags in zip(posts, contexts, strict=True)]
        read = self._read(prompts, candidates is not None)
        constraint = constraint_for(self.format, allowed) if allowed is not None else None
        tags_of = self.format.hashtags if constraint is None else constraint.hashtags
        answers = self._answers(prompts, read, generation, constraint)
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

    def _answers(
        self,
        prompts: Sequence[Sequence[int]],
        read: ReadPosts,
        generation: dict[str, Any],
        constraint: Constraint | None,
    ) -> list[list[int]]:
        """Token ids of the answers (B x sequences), by the engine or else by PyTorch."""
        settings = {"do_sample": False, "num_beams": 1, "return_dict_in_generate": False} | generation
        if "max_length" not in generation:
            settings = {"max_new_tokens": self.format.max_target_length} | settings
        if constraint is None and self.engine is not None:
            answers = self.engine.write(prompts, settings)
            if answers is not None:
                return answers
        settings = settings if constraint is None else constraint.settings(settings)
        written: list[list[int]] = read.write(settings).tolist()
        return written
