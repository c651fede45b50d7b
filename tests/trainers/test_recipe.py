from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import reproduction.segtrm  # noqa: F401 - registers its type
from embedded.posts import SECTION as SOURCES
from reproduction.pretraining import SECTION

from right_hf.trainers.recipe import Recipe, build_recipe, load_recipe, read_recipe_file
from right_hf.trainers.retriever import Bm25Recipe
from right_hf.trainers.selector import BiEncoderRecipe
from right_hf.trainers.seq2seq import Seq2SeqRecipe
from tests.support.paths import ROOT

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
    generator: {base: some/t5, token_dropout: 0.2}
    """
    recipe = load_recipe(write(tmp_path, text))
    assert recipe == Recipe(
        "en",
        seed=3,
        licenses=("MIT", "CC-BY-4.0"),
        retriever=Bm25Recipe(analyser="chinese", hits=5),
        selector=BiEncoderRecipe(encoder="some/model", dimensions=None, arguments={"learning_rate": 0.1}),
        generator=Seq2SeqRecipe(base="some/t5", token_dropout=0.2),
    )
    assert json.loads(json.dumps(asdict(recipe)))["generator"]["base"] == "some/t5"
    assert load_recipe(tmp_path / "recipe.yaml", seed=0).seed == 0


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_projects_recipes_load(path: Path) -> None:
    values = read_recipe_file(path)
    starts = values.pop(SECTION, {})
    values.pop(SOURCES, None)
    recipe = build_recipe(values, str(path))
    assert recipe.language in {"en", "zh"}
    assert (recipe.generator is not None and recipe.generator.base is None) == ("generator" in starts)
    if starts:
        with pytest.raises(ValueError, match=r"`pretraining`.*Name pretrained models instead"):
            load_recipe(path)


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
            "recipe.yaml, retriever: unknown setting 'hit'. Known: type, hits, analyser, k1, b.",
        ),
        (
            "language: en\ngenerator: {type: rnn}",
            "generator: Unknown type of generator 'rnn'. Known: chat, decoder, seq2seq",
        ),
        (
            "language: en\ngenerator: {architecture: decoder}",
            "generator: `architecture` is called `type` now. Rename it: type: decoder.",
        ),
        ("language: en\ngenerator: {lora: {r: 4}}", "generator: unknown setting 'lora'. Known: type, base"),
        ("language: en\ngenerator: {shape: {d_model: 4}}", "generator: unknown setting 'shape'"),
        ("language: en\nranker: {rounds: 4}", "ranker: unknown setting 'rounds'. Known: type, validation_posts"),
        ("language: en\nselector: null", "selector must be a mapping, got None"),
        ("language: en\nlicenses: MIT", "licenses must be a list of SPDX names, got 'MIT'"),
    ],
)
def test_wrong_recipes_are_refused(tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=r"recipe\.yaml") as caught:
        load_recipe(write(tmp_path, text))
    assert reason in str(caught.value)


def test_generator_and_ranker_can_be_left_out(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, "language: en\ngenerator: null\nranker: null"))
    assert recipe.generator is None and recipe.ranker is None
    assert asdict(recipe)["generator"] is None


def test_a_recipe_may_name_what_is_not_trained(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, "language: en\ngenerator: {type: chat}")).generator.type == "chat"


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
