"""The plan of an experiment: one YAML file a data set that says how each system is made, under each protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from right_hf.data import PROTOCOLS
from right_hf.trainers.distill import CotrainingRecipe, build_cotraining_recipe
from right_hf.trainers.recipe import RankerRecipe, Recipe, build_recipe, build_settings, read_recipe_file

_KEYS = ("recipe", "simcse", "segtrm", "protocols", "seeds")
_OPTIONAL = frozenset({"cotraining", "llm", "ranker", "generators"})


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes` in them, mapping by mapping; a model's `shape` is replaced as a whole."""
    result = dict(values)
    for key, change in changes.items():
        both = key != "shape" and isinstance(change, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], change) if both else change
    return result


@dataclass(frozen=True)
class Plan:
    """How each system of an experiment is made.

    Attributes:
        recipe: Selector, BM25 and generator.
        simcse: The recipe with the dense retriever.
        segtrm: The recipe with SEGTRM in the generator's place.
        llm: The recipe with a tuned LLM in the generator's place, or None.
        ranker: How the ranker of the table "fusion" is trained.
        generators: Recipes with the generator trained otherwise, by what this generator is called in tables.
        cotraining: How the generator's likelihoods are distilled into selector and dense retriever, or None.
        seeds: Seeds of selectors and generators. What they start from, the generator's base and the dense retriever,
            is made once, with the recipe's own seed.
    """

    recipe: Recipe
    simcse: Recipe
    segtrm: Recipe
    seeds: tuple[int, ...]
    llm: Recipe | None = None
    ranker: RankerRecipe = field(default_factory=RankerRecipe)
    generators: Mapping[str, Recipe] = field(default_factory=dict)
    cotraining: CotrainingRecipe | None = None


def load_plan(path: str | Path, protocol: str, changes: Mapping[str, Any] | None = None) -> Plan:
    """Reads the plan of a data set; `changes` stand in the place of what its `recipe` says.

    The file holds `recipe`; `simcse` and `segtrm`, what changes in it for these two; `protocols`, what each protocol
    changes in all three; and `seeds`, for each protocol. It may hold `llm`, the `generator` of a recipe with an LLM;
    `ranker`, its recipe; `generators`, by name what changes in `generator` for one that is trained otherwise; and
    `cotraining`, the settings of [`right_hf.trainers.distill.CotrainingRecipe`].

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
    recipes = {
        name: build_recipe(merged(common, values[name]) if name != "recipe" else common, f"{path}, {name}")
        for name in ("recipe", "simcse", "segtrm")
    }
    if "llm" in values:
        recipes["llm"] = build_recipe({**common, "generator": values["llm"]}, f"{path}, llm")
    generators = {
        name: build_recipe(merged(common, {"generator": changes}), f"{path}, generators, {name}")
        for name, changes in values.get("generators", {}).items()
    }
    ranker = build_settings(RankerRecipe, values.get("ranker", {}), f"{path}, ranker")
    cotraining = None
    if "cotraining" in values:
        cotraining = build_cotraining_recipe(values["cotraining"], f"{path}, cotraining")
    seeds = tuple(values["seeds"][protocol])
    return Plan(**recipes, seeds=seeds, ranker=ranker, generators=generators, cotraining=cotraining)
