"""What every generator offers, whatever writes the hashtags."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from right_hf.component import Component
from right_hf.vocabulary import Vocabulary


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
        *,
        allowed: Vocabulary | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post given its context; with candidates it scores both where it can.

        Args:
            posts: Cleaned posts.
            contexts: The selected hashtags of each post, best first, that the model reads beside it.
            candidates: Further hashtags of each post to score, allowed or not; None for no scores at all.
            allowed: The hashtags that may be written, in its forms; None for any. A generator whose `generate` does not
                name it is never given it, see [`generate_allowed`].
            generation: How to generate, for example `num_beams`.
        """


def generate_allowed(
    generator: Generator,
    posts: Sequence[str],
    contexts: Sequence[Sequence[str]],
    candidates: Sequence[Sequence[str]] | None = None,
    *,
    allowed: Vocabulary | None = None,
    **generation: Any,
) -> list[Generation]:
    """What a generator writes of what is allowed, whether or not it knows of vocabularies; see [`Generator.generate`].

    The answers of one that does not are filtered.
    """
    if allowed is None:
        return generator.generate(posts, contexts, candidates, **generation)
    if "allowed" in inspect.signature(generator.generate).parameters:
        return generator.generate(posts, contexts, candidates, allowed=allowed, **generation)
    answers = generator.generate(posts, contexts, candidates, **generation)
    pools = [()] * len(answers) if candidates is None else candidates
    return [_filtered(answer, pool, allowed) for answer, pool in zip(answers, pools, strict=True)]


def _filtered(answer: Generation, candidates: Sequence[str], allowed: Vocabulary) -> Generation:
    """What is allowed of an answer, and the scores of that and of the candidates."""
    tags = allowed.kept(answer.hashtags)
    written = {allowed.form(tag): tag for tag in reversed(answer.hashtags) if tag in allowed}
    named = {tag: tag if tag in answer.log_likelihoods else written.get(tag, tag) for tag in (*tags, *candidates)}
    scores = {tag: answer.log_likelihoods[name] for tag, name in named.items() if name in answer.log_likelihoods}
    tokens = {tag: answer.tokens[name] for tag, name in named.items() if name in answer.tokens}
    return Generation(tags, scores, tokens)
