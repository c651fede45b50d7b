"""The parts that a training works with: components of a job's folders, together as they will serve."""

from __future__ import annotations

from typing import Any

from right_hf.config import RightConfig
from right_hf.registry import component_class, load_component
from right_hf.retriever import Retriever
from right_hf.trainers.job import Job


def part_of(job: Job, role: str) -> Any:
    """A trained component of a job.

    Raises:
        ValueError: The job has no folder of one.
    """
    if role not in job.folders:
        raise ValueError(f"This needs a trained {role}. Train it first (right-hf train {role}), then give its folder.")
    return load_component(role, job.folders[role])


def retriever_of(job: Job) -> Retriever:
    """The retriever of a job: that of its folder or, where none is trained, one that indexes the posts in a moment.

    Raises:
        ValueError: The recipe's retriever must be trained and there is no folder, the folder holds another type of
            retriever, or its corpus is not the job's posts.
    """
    kind = component_class("retriever", job.recipe.retriever.type)
    retriever: Any
    if "retriever" not in job.folders and getattr(trainer := kind.trainer(), "instant", False):
        retriever = trainer.train(job).component
    else:
        retriever = part_of(job, "retriever")
    if retriever.type != kind.type or list(retriever.corpus) != sorted(job.posts, key=lambda post: post.id):
        raise ValueError(
            f"{job.folders['retriever']} holds no {kind.type} retriever of the recipe's training posts. Train it again."
        )
    return retriever  # type: ignore[no-any-return]


def parts_of(job: Job) -> tuple[RightConfig, Any, Any, Any]:
    """Configuration, retriever, selector and generator of a job; the latter None where the recipe has none."""
    recipe = job.recipe
    config = RightConfig(
        hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags, language=recipe.language
    )
    generator = None if recipe.generator is None else part_of(job, "generator")
    return config, retriever_of(job), part_of(job, "selector"), generator
