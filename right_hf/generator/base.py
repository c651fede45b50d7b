"""What every generator offers, whatever writes the hashtags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from right_hf.component import Component


class Generation(NamedTuple):
    """What a generator says about one post.

    Attributes:
        hashtags: The hashtags it wrote, in its order, without repeats.
        log_likelihoods: For these and every candidate the mean log-probability per token, at most 0; empty where no
            scores were asked for, or the model tells none (a chat model behind a server), so that ranks must do.
        tokens: The number of tokens of each of these, the end included; empty where it is not known.
    """

    hashtags: list[str]
    log_likelihoods: dict[str, float]
    tokens: Mapping[str, int] = MappingProxyType({})


class Generator(Component, ABC):
    """Reads posts and selected hashtags and writes hashtags (paper, section 2.3)."""

    role = "generator"

    @abstractmethod
    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post given its context; with candidates it scores both where it can.

        Args:
            posts: Cleaned posts.
            contexts: The selected hashtags of each post, best first, that the model reads beside it.
            candidates: Further hashtags of each post to score; None for no scores at all.
            generation: How to generate, for example `num_beams`.
        """
