from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from right_hf.trainers.bases import SHAPES
from right_hf.trainers.recipe import GeneratorRecipe, Recipe, RetrieverRecipe, SelectorRecipe, load_recipe

CONFIGS = sorted((ROOT / "training" / "configs").glob("*.yaml"))


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_recipe_with_defaults(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, "language: zh")) == Recipe("zh")


def test_a_recipe_with_everything(tmp_path: Path) -> None:
    text = """
    language: en
    seed: 3
    licenses: [MIT, CC-BY-4.0]
    retriever: {analyser: chinese, hits: 5}
    selector: {encoder: some/model, dimensions: null, arguments: {learning_rate: 0.1}}
    generator: {shape: {d_model: 16}, token_dropout: 0.2}
    """
    recipe = load_recipe(write(tmp_path, text))
    assert recipe == Recipe(
        "en",
        seed=3,
        licenses=("MIT", "CC-BY-4.0"),
        retriever=RetrieverRecipe(analyser="chinese", hits=5),
        selector=SelectorRecipe(encoder="some/model", dimensions=None, arguments={"learning_rate": 0.1}),
        generator=GeneratorRecipe(shape={"d_model": 16}, token_dropout=0.2),
    )
    assert json.loads(json.dumps(recipe.as_dict()))["generator"]["shape"] == {"d_model": 16}
    assert load_recipe(tmp_path / "recipe.yaml", seed=0).seed == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_projects_recipes_load(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.language in {"en", "zh"}
    SHAPES[recipe.generator.architecture](**recipe.generator.shape)  # raises TypeError where it knows no such size


def test_the_project_has_recipes() -> None:
    assert len(CONFIGS) >= 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a\n- b", "must hold a mapping, got list"),
        ("", "must hold a mapping, got NoneType"),
        ("a: [", "is no valid YAML"),
        (b"\xff\xfe\x81", "is no valid YAML"),
        ("seed: 1", "missing 1 required positional argument: 'language'"),
        ("language: en\nsed: 1", "unknown setting 'sed'. Known: language, seed, licenses"),
        ("language: en\n1: 2\nsed: 1", "unknown setting 1"),
        (
            "language: en\nretriever: {hit: 3}",
            "recipe.yaml, retriever: unknown setting 'hit'. Known: encoder, dimensions",
        ),
        (
            "language: en\ngenerator: {architecture: rnn}",
            "generator: unknown architecture 'rnn'. Known: seq2seq, segtrm",
        ),
        ("language: en\nselector: null", "selector must be a mapping, got None"),
        ("language: en\nlicenses: MIT", "licenses must be a list of SPDX names, got 'MIT'"),
    ],
)
def test_wrong_recipes_are_refused(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=r"recipe\.yaml") as caught:
        load_recipe(write(tmp_path, text))
    assert reason in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No recipe at .*nowhere\.yaml"):
        load_recipe(tmp_path / "nowhere.yaml")


def test_posts_of_a_recipe_have_its_licences(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [
        {"id": name, "text": "t", "hashtags": [], "license": name} for name in ("MIT", "none", "CC-BY-4.0")
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert [post.id for post in Recipe("en", licenses=("MIT",)).posts(tmp_path, "train")] == ["MIT"]
    assert len(Recipe("en").posts(tmp_path, "train")) == 3
