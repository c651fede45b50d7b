"""What assistants can ask for, by the Model Context Protocol; docstrings and types are what they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, Literal

from right_hf.completion import HashtagCompletion
from right_hf.deferred import Deferred, made
from right_hf.model import RightModel
from right_hf.reading import Reader

#: Letters of a post, and entries of an answer.
LONGEST_POST = 5_000
MOST = 50


def tools(models: Mapping[str, RightModel | Deferred[RightModel]]) -> list[Callable[..., str]]:
    """The tools, each of which answers with JSON.

    Args:
        models: By the names that a tool takes as `checkpoint`; the first is its default.
    """
    default = next(iter(models))

    def chosen(checkpoint: str) -> RightModel:
        if checkpoint not in models:
            raise ValueError(f"There is no checkpoint {checkpoint!r:.80}. Known: {', '.join(models)}.")
        return made(models[checkpoint])

    completion = cache(lambda checkpoint: HashtagCompletion(chosen(checkpoint).retriever))

    def recommend_hashtags(
        post: str,
        top_k: int = 5,
        threshold: float | None = None,
        style: Literal["common", "pascal", "lower", "words"] = "common",
        checkpoint: str = default,
    ) -> str:
        """Recommends the hashtags that people actually use for a post, best first.

        Args:
            post: The text of one post, at most 5,000 characters.
            top_k: At most so many hashtags, 1 to 50.
            threshold: Only hashtags with at least this probability, 0 to 1; null for what the checkpoint says.
            style: "common" as people spell them (IoT), "pascal" (IotDevices), "lower" (iotdevices) or "words".
            checkpoint: What recommends; its name says the language of the posts that it knows.

        Returns:
            JSON list of objects: hashtag, score (estimated probability that the author would use it), source, evidence
            (ids of posts that carry it), present (whether the post has it already), posted (with its hash sign).
        """
        post, top_k = _text(post, "post"), _count(top_k, "top_k")
        [found] = chosen(checkpoint).recommend([post], top_k=top_k, threshold=threshold, style=style)
        return _json([asdict(one) for one in found])

    def find_posts(query: str, count: int = 5, checkpoint: str = default) -> str:
        """Finds posts of the corpus that are similar to a text, with the hashtags that their authors gave them.

        Args:
            query: The text, at most 5,000 characters.
            count: At most so many posts, 1 to 50.
            checkpoint: Whose corpus, as for recommend_hashtags.

        Returns:
            JSON list of objects, most similar first: id, text, hashtags, score (on the retriever's own scale).
        """
        query, count = _text(query, "query"), _count(count, "count")
        retriever = chosen(checkpoint).retriever
        [hits] = retriever.search([Reader(retriever).read(query).query], count)
        return _json([_shown(hit.post) | {"score": round(float(hit.score), 4)} for hit in hits])

    def complete_hashtag(prefix: str, count: int = 10, checkpoint: str = default) -> str:
        """Completes a hashtag: those of the corpus that begin so, the most used first.

        Args:
            prefix: How it begins, with or without hash sign.
            count: At most so many, 1 to 50.
            checkpoint: Whose corpus, as for recommend_hashtags.

        Returns:
            JSON list of objects: hashtag, posted (with its hash sign), count (how many posts carry it).
        """
        prefix, count = _text(prefix, "prefix"), _count(count, "count")
        return _json([asdict(one) for one in completion(checkpoint).complete(prefix, count)])

    found: list[Callable[..., str]] = [recommend_hashtags, find_posts, complete_hashtag]
    for tool in found:
        tool.__annotations__["checkpoint"] = Literal[tuple(models)]  # so that they are listed in its schema
    return found


def _shown(post: Any) -> dict[str, Any]:
    return {"id": post.id, "text": post.text, "hashtags": list(post.hashtags)}


def _json(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, ensure_ascii=False, allow_nan=False)


def _text(given: Any, name: str) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > LONGEST_POST:
        what = f"a text of {len(given):,} characters" if isinstance(given, str) else type(given).__name__
        raise ValueError(f"{name} must be a text of 1 to {LONGEST_POST:,} characters, got {what}.")
    return given


def _count(given: Any, name: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST:
        raise ValueError(f"{name} must be a whole number from 1 to {MOST}, got {given!r:.80}.")
    return given
