"""What a training is given: the recipe, the posts, where to write, and the parts that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from transformers import TrainerCallback

from right_hf.component import Component
from right_hf.posts import Post
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import checkpoints_folder


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        recipe: The settings of all components.
        posts: The training posts, which are the corpus.
        validation: Posts that are not among them; some trainings need none.
        output: Folder of what is made; a run that was stopped goes on in `…-checkpoints` beside it.
        folders: Folders of trained components by role, such as the selector of a generator.
        callbacks: Passed to every Trainer.
    """

    recipe: Recipe
    posts: Sequence[Post]
    validation: Sequence[Post]
    output: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    callbacks: Sequence[TrainerCallback] = ()

    @property
    def checkpoints(self) -> Path:
        """Folder of the Trainer's own checkpoints."""
        return checkpoints_folder(self.output)


class Trained(NamedTuple):
    """What a training made.

    Attributes:
        component: The trained component.
        record: What its `training.json` says besides where it comes from: log, steps, scores.
    """

    component: Component
    record: dict[str, Any]
