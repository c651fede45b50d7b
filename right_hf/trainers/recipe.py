"""The recipe of a checkpoint: one YAML file that says how each component is made from the data.

A section for each role names the `type` of the component; what else it may hold, the trainer of that type declares.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from right_hf.checks import place
from right_hf.component import Component
from right_hf.data import PROTOCOLS, DatasetOptions, apply_protocol, load_split
from right_hf.layout import REQUIRED, ROLES
from right_hf.posts import Post
from right_hf.registry import component_class


@dataclass(frozen=True)
class RetrieverRecipe:
    """Settings of every retriever: `hits` is the paper's N, by the terms of `analyser` near duplicates are found."""

    type: str = "bm25"
    hits: int = 10
    analyser: str = "english"


@dataclass(frozen=True)
class SelectorRecipe:
    """Settings of every selector: `hashtags` is the paper's k."""

    type: str = "bi-encoder"
    hashtags: int = 7


@dataclass(frozen=True)
class GeneratorRecipe:
    """Settings of every generator.

    Attributes:
        base: The pretrained model that training starts from: a Hub id, a folder, or `package:NAME`.
        max_source_length: Tokens of what it reads.
        max_target_length: Tokens of what it writes.
        validation_posts: So many validation posts, the first ones, choose among its checkpoints.
        arguments: Of the Trainer.
    """

    type: str = "seq2seq"
    base: str | None = None
    max_source_length: int = 180
    max_target_length: int = 100
    validation_posts: int = 500
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RankerRecipe:
    """Settings of every ranker: so many `validation_posts` fit or calibrate its scores; None for all."""

    type: str = "trees"
    validation_posts: int | None = None


@dataclass(frozen=True)
class EncoderRecipe:
    """What an encoder starts from, and how it is trained; a retriever or selector with an encoder has these too.

    Attributes:
        encoder: A sentence-transformers model: a Hub id, a folder, or `package:NAME` for one that an installed Python
            package carries in its folder `model`.
        dimensions: With these it is distilled into static embeddings of that size.
        layers: Only the first so many are kept.
        max_seq_length: Tokens read of each text.
        arguments: Of the Trainer.
    """

    encoder: str | None = None
    dimensions: int | None = None
    layers: int | None = None
    max_seq_length: int | None = None
    arguments: dict[str, Any] = field(default_factory=dict)


#: What the settings of every trainer of a role are derived from.
_BASES: dict[str, Any] = {
    "retriever": RetrieverRecipe,
    "selector": SelectorRecipe,
    "generator": GeneratorRecipe,
    "ranker": RankerRecipe,
}


def _settings_class(kind: type[Component]) -> Any:
    """The dataclass of what a recipe may say of a component; one that is not trained has what its role has."""
    try:
        settings = kind.trainer().settings
    except TypeError:
        return _BASES[kind.role]
    if not issubclass(settings, _BASES[kind.role]):
        raise TypeError(
            f"The settings of the trainer of {kind.__name__} must derive from {_BASES[kind.role].__name__}, got "
            f"{settings.__name__}."
        )
    return settings


def build_section(role: str, values: Any, where: str) -> Any:
    """The settings of one component from a mapping; `where` begins the messages of its errors.

    Raises:
        ValueError: The type or a setting is unknown, or a setting is missing or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be a mapping, got {values!r:.80}.")
    if "architecture" in values:
        raise ValueError(f"{where}: `architecture` is called `type` now. Rename it: type: {values['architecture']}.")
    try:
        kind = component_class(role, values.get("type", _BASES[role].type))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return build_settings(_settings_class(kind), {**values, "type": kind.type}, where)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a checkpoint becomes, apart from the data and the code.

    `protocol` is `full`, or `small` for a fixed part of the training posts (see [`right_hf.data.small`]). Without a
    generator the hashtags of a post are retrieved ones, without a ranker the answer is the generator's.
    """

    language: str
    seed: int = 0
    licenses: tuple[str, ...] | None = None
    protocol: str = "full"
    retriever: Any = field(default_factory=partial(build_section, "retriever", {}, "retriever"))
    selector: Any = field(default_factory=partial(build_section, "selector", {}, "selector"))
    generator: Any = field(default_factory=partial(build_section, "generator", {}, "generator"))
    ranker: Any = field(default_factory=partial(build_section, "ranker", {}, "ranker"))

    def posts(self, data: str | Path, split: str, options: DatasetOptions | None = None) -> list[Post]:
        """Loads a split of any source of [`load_split`]: the posts under the recipe's licences.

        Of the training split only those that the recipe's protocol uses are given.
        """
        posts = load_split(data, split, self.licenses, options)
        return apply_protocol(self.protocol, posts) if split == "train" else posts


def choices(settings: Any) -> dict[str, Any]:
    """The settings that differ from their defaults: what a recipe decides, and a later version still reads.

    Of each section of a recipe these are given, and the type.
    """
    found: dict[str, Any] = {}
    for entry in dataclasses.fields(settings):
        value = getattr(settings, entry.name)
        if dataclasses.is_dataclass(value):
            found[entry.name] = {"type": getattr(value, "type", None), **choices(value)}
        elif value != (entry.default_factory() if callable(entry.default_factory) else entry.default):
            found[entry.name] = value
    return found


def build_settings(kind: type, values: Any, where: str) -> Any:
    """A dataclass from a mapping; `where` begins the messages of its errors.

    Raises:
        ValueError: A setting is unknown, missing or of the wrong kind.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where} must be a mapping, got {values!r:.80}.")
    known = [entry.name for entry in dataclasses.fields(kind)]
    if unknown := [name for name in values if name not in known]:
        raise ValueError(f"{where}: unknown setting {unknown[0]!r}. Known: {', '.join(known)}.")
    try:
        return kind(**values)
    except TypeError as error:  # says which one
        raise ValueError(f"{where}: {error}. Add the setting.") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def read_recipe_file(path: str | Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no YAML mapping.
    """
    path = Path(place(path))
    if not path.is_file():
        raise FileNotFoundError(f"No recipe at {path}. Write one, a YAML file; `right-hf train --help` shows how.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold a mapping, got {type(values).__name__}.")
    return values


def build_recipe(values: dict[str, Any], where: str) -> Recipe:
    """A recipe from plain values; `where` begins the messages of its errors.

    Raises:
        ValueError: A setting is unknown, missing or of the wrong kind.
    """
    values = dict(values)
    if "pretraining" in values:
        raise ValueError(
            f"{where} starts from random weights (`pretraining`), which a clone's scripts in training/ make and this "
            "command does not. Name pretrained models instead: `encoder` of the selector, `base` of the generator."
        )
    for role in ROLES:
        if role in REQUIRED or values.get(role, {}) is not None:
            values[role] = build_section(role, values.get(role, {}), f"{where}, {role}")
    if (licenses := values.get("licenses")) is not None:
        if not isinstance(licenses, list):
            raise ValueError(f"{where}: licenses must be a list of SPDX names, got {licenses!r:.80}.")
        values["licenses"] = tuple(licenses)
    if (protocol := values.get("protocol", "full")) not in PROTOCOLS:
        raise ValueError(f"{where}: unknown protocol {protocol!r:.80}. Known: {', '.join(PROTOCOLS)}.")
    recipe: Recipe = build_settings(Recipe, values, where)
    return recipe


def load_recipe(path: str | Path, seed: int | None = None) -> Recipe:
    """Reads a recipe; `seed` overrides the recipe's own.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no YAML mapping, holds an unknown setting or lacks one.
    """
    recipe = build_recipe(read_recipe_file(path), str(path))
    return recipe if seed is None else dataclasses.replace(recipe, seed=seed)
