"""What a training is given: the recipe, the posts, where to write, and the parts that are there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch.utils.data import Dataset
from transformers import TrainerCallback

from right_hf.component import Component
from right_hf.config import RightConfig
from right_hf.corpus import Corpus
from right_hf.posts import Post
from right_hf.precision import affordable
from right_hf.progress import shows_progress
from right_hf.registry import component_class, load_component
from right_hf.trainers.recipe import Recipe
from right_hf.trainers.runs import checkpoints_folder, claim_run, run_identity
from right_hf.workers import Engine


class GeneratorExample(NamedTuple):
    """One training example: the post, the selected hashtags of its input, and the hashtags to write."""

    post: str
    context: tuple[str, ...]
    target: tuple[str, ...]


#: Those of training and those of validation.
Examples = tuple[Sequence[GeneratorExample], Sequence[GeneratorExample]]
#: From how a generator writes token ids to encoded examples that are mixed with those of each epoch.
ExtraExamples = Callable[[Any], Dataset[dict[str, list[int]]]]


class Bases(NamedTuple):
    """What components start from where a recipe names no pretrained models: made by scripts, never here.

    Attributes:
        recipe: The recipe, which now names them.
        extra_examples: See [`Job`].
    """

    recipe: Recipe
    extra_examples: ExtraExamples | None = None


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        recipe: The settings of all components.
        posts: The training posts, which are the corpus.
        validation: Posts that are not among them; some trainings need none.
        output: Folder of what is made; a run that was stopped goes on in `…-checkpoints` beside it.
        folders: Folders of trained components by role, such as the selector of a generator; as "start", the tuned LLM
            that GRPO goes on with.
        callbacks: Passed to every Trainer.
        examples: Of a generator, in the place of those that retriever and selector would give.
        extra_examples: Further encoded examples that a seq2seq generator learns from in each epoch.
        bases: Makes, in a folder, what components start from, of some posts alone; a ranker's training needs it for
            those that have not seen all posts. None where the recipe names pretrained models.
        engine: What shares out the search for training posts, see [`right_hf.workers.Engine`].
    """

    recipe: Recipe
    posts: Sequence[Post]
    validation: Sequence[Post]
    output: Path
    folders: Mapping[str, Path] = field(default_factory=dict)
    callbacks: Sequence[TrainerCallback] = ()
    examples: Examples | None = None
    extra_examples: ExtraExamples | None = None
    bases: Callable[[Sequence[Post], Path], Bases] | None = None
    engine: Engine = map

    @property
    def checkpoints(self) -> Path:
        """Folder of the Trainer's own checkpoints."""
        return checkpoints_folder(self.output)

    def trainer_settings(self, defaults: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of any Trainer's arguments: what all runs share, a component's `defaults`, the recipe's last."""
        seeds = {"seed": self.recipe.seed, "data_seed": self.recipe.seed}
        shared = {"output_dir": str(self.checkpoints), **seeds, "save_total_limit": 1, "report_to": "none"}
        hidden = {} if shows_progress() else {"disable_tqdm": True}
        return {**shared, **hidden, **defaults, **affordable(arguments)}

    def claim(self, **others: Any) -> None:
        """Makes that folder this run's, whose outcome `others` decide too; see [`right_hf.trainers.runs.claim_run`]."""
        claim_run(self.checkpoints, run_identity(self.recipe, self.posts, **others))

    def of_posts(self, posts: Sequence[Post]) -> Job:
        """The same training of other posts, without any parts."""
        job = replace(self, posts=posts, folders={}, examples=None)
        if self.bases is None:
            return job
        recipe, extra = self.bases(posts, self.checkpoints / "bases")
        return replace(job, recipe=recipe, extra_examples=extra)

    def part(self, role: str) -> Any:
        """A trained component.

        Raises:
            ValueError: The job has no folder of one.
        """
        if role not in self.folders:
            raise ValueError(
                f"This needs a trained {role}. Train it first (right-hf train {role}), then give its folder."
            )
        return load_component(role, self.folders[role])

    def retriever(self) -> Any:
        """The retriever of its folder or, where none is trained, one that indexes the posts in a moment.

        Raises:
            ValueError: The recipe's retriever must be trained and there is no folder, the folder holds another type of
                retriever, or its corpus is not the job's posts.
        """
        kind = component_class("retriever", self.recipe.retriever.type)
        if "retriever" not in self.folders and getattr(trainer := kind.trainer(), "instant", False):
            return trainer.train(self).component
        retriever = self.part("retriever")
        if retriever.type != kind.type or list(retriever.corpus) != list(Corpus(self.posts)):
            raise ValueError(
                f"{self.folders['retriever']} holds no {kind.type} retriever of the recipe's training posts. Train it "
                "again."
            )
        return retriever

    def parts(self) -> tuple[RightConfig, Any, Any, Any]:
        """Configuration, retriever, selector and generator; the latter None where the recipe has none."""
        hits, hashtags = self.recipe.retriever.hits, self.recipe.selector.hashtags
        config = RightConfig(hits=hits, context_hashtags=hashtags, language=self.recipe.language)
        generator = None if self.recipe.generator is None else self.part("generator")
        return config, self.retriever(), self.part("selector"), generator


class Trained(NamedTuple):
    """What a training made.

    Attributes:
        component: The trained component; None on all but the first of several processes.
        record: What its `training.json` says besides where it comes from: log, steps, scores.
    """

    component: Component | None
    record: dict[str, Any]
