"""What every generator offers, whatever model writes the hashtags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


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


class Generator(Protocol):
    """Reads posts and selected hashtags and writes hashtags (paper, section 2.3)."""

    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post given its context; with candidates it scores both where it can."""
        ...

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes everything that `from_pretrained` needs into `folder`."""
        ...
