"""What the training scripts share: the steps of `right-hf train`, for recipes that may start from random weights."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import reproduction.segtrm  # noqa: F401 - registers the type "segtrm"
from embedded.posts import SECTION as SOURCES
from reproduction.pretraining import SECTION, prepare

from right_hf.posts import Post
from right_hf.trainers.build import build_checkpoint, build_component
from right_hf.trainers.job import Bases, Job
from right_hf.trainers.recipe import build_recipe, read_recipe_file

#: The folders of trained components that a part may be given.
_FOLDERS = {
    "retriever": (),
    "selector": (),
    "generator": ("retriever", "selector"),
    "ranker": ("retriever", "selector", "generator"),
    "checkpoint": ("retriever", "selector", "generator", "ranker"),
}
#: Sections of a recipe that only scripts read: what parts start from, and where the posts come from.
_OF_SCRIPTS = (SECTION, SOURCES)
#: The parts that may start from random weights; a ranker's held-out components have bases of their own.
_FROM_BASES = ("retriever", "selector", "generator")


def train(part: str, description: str) -> None:
    """Reads the command line and makes a retriever, selector, generator, ranker or checkpoint."""
    arguments = _arguments(part, description)
    logging.basicConfig(level=logging.INFO)
    values = read_recipe_file(arguments.recipe)
    if arguments.seed is not None:
        values["seed"] = arguments.seed
    folders = {role: getattr(arguments, role, None) for role in (*_FOLDERS[part], "start")}
    bases = getattr(arguments, "bases", None)
    job = make_job(part, values, str(arguments.recipe), arguments.data, arguments.output, folders, bases)
    if arguments.output is None:
        return
    build(part, job)
    sys.stdout.write(f"{arguments.output}\n")


def build(part: str, job: Job) -> None:
    """Makes what a job is for."""
    if part == "checkpoint":
        build_checkpoint(job)
    else:
        build_component(part, job)


def _arguments(part: str, description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="a YAML file, such as those in training/configs")
    parser.add_argument("--data", required=True, help="folder or data set of the splits")
    parser.add_argument("--output", type=Path, help=f"folder of the {part}")
    parser.add_argument("--seed", type=int, help="in the place of the recipe's")
    for role in _FOLDERS[part]:
        parser.add_argument(f"--{role}", type=Path, help=f"folder of the trained {role}")
    if part == "generator":
        parser.add_argument("--grpo", dest="start", type=Path, help="go on with the tuned LLM in this folder by GRPO")
    if part in _FROM_BASES:
        parser.add_argument(
            "--bases", type=Path, help="where what starts from random weights is kept; without --output it is only made"
        )
    arguments = parser.parse_args()
    if arguments.output is None and getattr(arguments, "bases", None) is None:
        parser.error("give --output, or --bases to make only what training starts from")
    return arguments


def make_job(
    part: str,
    values: Mapping[str, Any],
    where: str,
    data: str | Path,
    output: Path | None,
    folders: Mapping[str, Path | None],
    bases_folder: Path | None = None,
) -> Job:
    """One training; what it starts from is made where the recipe wants it.

    Args:
        part: What is trained.
        values: The recipe, with the sections that only scripts read.
        where: Begins the messages of its errors.
        data: The splits.
        output: Folder of what is made; None to make only what it starts from.
        folders: Of trained parts, by role; None for none.
        bases_folder: Where what starts from random weights is kept; by default beside the output.
    """
    recipe = build_recipe({name: value for name, value in values.items() if name not in _OF_SCRIPTS}, where)

    def bases(posts: Sequence[Post], folder: Path) -> Bases:
        roles = (part,) if part in _FROM_BASES else tuple(values[SECTION])
        plain = {name: value for name, value in values.items() if name not in _OF_SCRIPTS or name == SECTION}
        made = prepare(plain, posts, folder, roles)
        return Bases(build_recipe(made.values, where), made.extra_examples)

    posts, target = recipe.posts(data, "train"), output or bases_folder
    assert target is not None
    started, has_bases = Bases(recipe), bool(values.get(SECTION))
    if has_bases and part in values[SECTION]:
        folder = bases_folder or target.with_name(f"{target.name}-bases")
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not folder.is_dir():
            sys.exit(f"There is nothing at {folder} to start from. Make it first, by one process: --bases {folder}")
        started = bases(posts, folder)
    return Job(
        started.recipe,
        posts,
        recipe.posts(data, "validation") if _FOLDERS[part] else (),
        target,
        {role: folder for role, folder in folders.items() if folder is not None},
        extra_examples=started.extra_examples,
        bases=bases if has_bases else None,
    )
