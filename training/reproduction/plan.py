"""The plan of an experiment: one YAML file a data set that says how each system is made, under each protocol."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reproduction.pretraining import SECTION
from right_hf.data import PROTOCOLS
from right_hf.trainers.ranker import TreesRecipe
from right_hf.trainers.recipe import Recipe, build_recipe, build_section, build_settings, choices, read_recipe_file

_KEYS = ("recipe", "simcse", "segtrm", "protocols", "seeds")
_OPTIONAL = frozenset({"llm", "ranker", "generators"})


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes` in them, mapping by mapping; a model's `shape` is replaced as a whole."""
    result = dict(values)
    for key, change in changes.items():
        both = key != "shape" and isinstance(change, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], change) if both else change
    return result


@dataclass(frozen=True)
class Planned:
    """A recipe of a plan, with what its parts start from.

    Attributes:
        values: The recipe as plain values, with a section `pretraining` (see [`reproduction.pretraining.prepare`]).
        where: What begins the messages of its errors.
    """

    values: Mapping[str, Any]
    where: str

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe, which does not name what is made by pretraining."""
        return build_recipe({name: part for name, part in self.values.items() if name != SECTION}, self.where)

    def as_dict(self) -> dict[str, Any]:
        """Everything that it says, to be kept beside results."""
        return {**dataclasses.asdict(self.recipe), SECTION: self.values.get(SECTION, {})}

    def choices(self) -> dict[str, Any]:
        """What differs from the defaults, to tell runs apart."""
        return {**choices(self.recipe), SECTION: self.values.get(SECTION, {})}


@dataclass(frozen=True)
class LlmPlan:
    """How the rows of an LLM are made.

    Attributes:
        planned: Its recipe.
        name: What the rows call it.
        posts: It is tuned on so many of the training posts that no ranker learns from; None for all of these.
        test_posts: All rows of its table are of so many test posts, always the same; None for all.
        ranker_posts: So many of the posts that a ranker learns from it judges.
        calibrated_on: And so many validation posts, which calibrate the ranker.
        scored: Of the pool of a post it judges so many hashtags, see [`right_hf.ranker.PoolSettings`].
    """

    planned: Planned
    name: str = "LLM"
    posts: int | None = None
    test_posts: int | None = None
    ranker_posts: int = 3000
    calibrated_on: int = 300
    scored: int = 12


@dataclass(frozen=True)
class Plan:
    """How each system of an experiment is made.

    Attributes:
        right: Selector, BM25 and generator.
        simcse: The same with the dense retriever.
        segtrm: The same with SEGTRM in the generator's place.
        llm: The same with an LLM in the generator's place, or None.
        ranker: How the ranker of the table "fusion" is trained.
        generators: The same with the generator trained otherwise, by what this generator is called in tables.
        seeds: Seeds of selectors and generators. What they start from, the generator's base and the dense retriever,
            is made once, with the recipe's own seed.
    """

    right: Planned
    simcse: Planned
    segtrm: Planned
    seeds: tuple[int, ...]
    llm: LlmPlan | None = None
    ranker: TreesRecipe = field(default_factory=TreesRecipe)
    generators: Mapping[str, Planned] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        """The recipe of selector, BM25 and generator."""
        return self.right.recipe

    def with_seeds(self, seeds: tuple[int, ...]) -> Plan:
        """The same plan with other seeds."""
        return dataclasses.replace(self, seeds=seeds)


def load_plan(path: str | Path, protocol: str, changes: Mapping[str, Any] | None = None) -> Plan:
    """Reads the plan of a data set; `changes` stand in the place of what its `recipe` says.

    The file holds `recipe`; `simcse` and `segtrm`, what changes in it for these two; `protocols`, what each protocol
    changes in all three; and `seeds`, for each protocol. It may hold `llm`, the sections `generator` and `pretraining`
    of a recipe with an LLM and the other fields of [`LlmPlan`]; `ranker`, its recipe; and `generators`, by name what
    changes for one that is trained otherwise.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A part is missing, unknown or of the wrong kind, or the protocol is unknown.
    """
    values = read_recipe_file(path)
    if set(values) - _OPTIONAL != set(_KEYS):
        raise ValueError(
            f"{path} must hold {', '.join(_KEYS)}, may hold {', '.join(sorted(_OPTIONAL))}, and nothing else; it holds "
            f"{', '.join(values)}."
        )
    if protocol not in PROTOCOLS:
        raise ValueError(f"Unknown protocol {protocol!r}. Known: {', '.join(PROTOCOLS)}.")
    common = merged(values["recipe"], {"protocol": protocol, **(values["protocols"] or {}).get(protocol, {})})
    common = merged(common, changes or {})

    def planned(part: str, whole: Mapping[str, Any]) -> Planned:
        found = Planned(whole, f"{path}, {part}")
        _ = found.recipe  # so that a wrong one is refused now
        return found

    recipes = {name: planned(name, merged(common, values[name])) for name in ("simcse", "segtrm")}
    llm = None
    if found := values.get("llm"):
        about = {name: value for name, value in found.items() if name not in ("generator", SECTION)}
        # Nothing of the T5's settings goes into a decoder's.
        start = {**common.get(SECTION, {}), "generator": None, **found.get(SECTION, {})}
        start = {role: settings for role, settings in start.items() if settings is not None}
        sections = {"generator": found.get("generator"), **({SECTION: start} if start else {})}
        whole = planned("llm", {**{name: part for name, part in common.items() if name != SECTION}, **sections})
        llm = build_settings(LlmPlan, {**about, "planned": whole}, f"{path}, llm")
    generators = {
        name: planned(f"generators, {name}", merged(common, changed))
        for name, changed in values.get("generators", {}).items()
    }
    ranker = build_section("ranker", values.get("ranker", {}), f"{path}, ranker")
    seeds = tuple(values["seeds"][protocol])
    return Plan(planned("recipe", common), seeds=seeds, llm=llm, ranker=ranker, generators=generators, **recipes)
