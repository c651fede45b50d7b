"""Evaluation over an engine: the posts are dealt out, and the scores are those of all answers together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from right_hf.bulk.checkpoints import NamedCheckpoint
from right_hf.evaluation import (
    Answer,
    calibration,
    checkpoint_answers,
    in_forms,
    score_systems,
    suggested,
)
from right_hf.generator import Generator
from right_hf.posts import Post
from right_hf.progress import bar, hidden_bars
from right_hf.registry import load_component
from right_hf.workers import Engine

#: Posts that are dealt out at once: some batches of every stage, so that these are the same however many deal.
_DEALT = 512


class Part(NamedTuple):
    """What was found out of some posts.

    Attributes:
        posts: They, with their hashtags as the checkpoint knows them.
        systems: What each system answers.
        suggested: See [`right_hf.evaluation.suggested`]; None for a checkpoint without a ranker.
    """

    posts: list[Post]
    systems: dict[str, list[Answer]]
    suggested: tuple[list[float], list[bool]] | None


@dataclass(frozen=True)
class Evaluator:
    """Answers posts with a checkpoint and its parts; it may be sent to other processes, and loads these there.

    Attributes:
        checkpoint: The checkpoint.
        seq2seq: Folder of a generator without retrieval, if one is scored too.
        beams: See [`right_hf.evaluation.score_checkpoint`].
        present: The time of posts that tell none.
    """

    checkpoint: NamedCheckpoint
    seq2seq: Path | None = None
    beams: int = 1
    present: float = field(default_factory=time.time)

    @cached_property
    def _generator(self) -> Generator | None:
        return None if self.seq2seq is None else load_component("generator", self.seq2seq)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("checkpoint", "seq2seq", "beams", "present")}

    def load(self) -> None:
        """Loads what answers, once a process."""
        _ = self.checkpoint.model, self._generator

    def __call__(self, posts: Sequence[Post]) -> Part:
        """What is found out of some posts."""
        model = self.checkpoint.model
        with hidden_bars():
            gold = in_forms(model, posts)
            systems = checkpoint_answers(model, gold, self._generator, self.beams, self.present)
            shown = None if model.ranker is None else suggested(model, posts, now=self.present)
        return Part(gold, systems, shown)


def evaluate(
    evaluator: Evaluator, posts: Sequence[Post], engine: Engine
) -> tuple[dict[str, dict[str, float]], dict[str, Any]]:
    """Scores of a checkpoint and its parts, see [`right_hf.evaluation.score_checkpoint`], and its calibration.

    Returns:
        The scores by system, and `calibration` where the checkpoint has a ranker.
    """
    dealt = [posts[start : start + _DEALT] for start in range(0, len(posts), _DEALT)]
    parts: list[Part] = []
    with bar(None, "evaluating", "post", total=len(posts)) as shown:
        for part in engine(evaluator, dealt):
            parts.append(part)
            shown.update(len(part.posts))
    config = evaluator.checkpoint.model.config
    systems = {name: [answer for part in parts for answer in part.systems[name]] for name in parts[0].systems}
    scores = score_systems(systems, [post for part in parts for post in part.posts], config.language)
    found = [part.suggested for part in parts if part.suggested is not None]
    if not found:
        return scores, {}
    values, right = ([one for some in column for one in some] for column in zip(*found, strict=True))
    return scores, {"calibration": calibration(values, right, config.threshold, len(posts))}
