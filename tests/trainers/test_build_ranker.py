"""From a recipe to a checkpoint with a hybrid retriever and a ranker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.paths import WORDNET
from right_hf import HybridRetriever, RightModel
from right_hf.posts import Post
from right_hf.trainers import build
from right_hf.trainers.build_ranker import build_ranker
from right_hf.trainers.recipe import Recipe, build_recipe
from tests.support.smoke_data import write_splits

pytest.importorskip("lightgbm")
_WORDNET = WORDNET
_QUICK = {"num_train_epochs": 1, "use_cpu": True, "dataloader_pin_memory": False, "disable_tqdm": True}
_ENCODER = {
    "dimensions": 16,
    "vocabulary_size": 300,
    "arguments": {**_QUICK, "learning_rate": 0.01, "per_device_train_batch_size": 16},
}
_RECIPE = {
    "language": "en",
    "retriever": {**_ENCODER, "type": "hybrid"},
    "selector": {**_ENCODER, "hashtags": 3},
    "generator": {
        "vocabulary_size": 300,
        "shape": {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1},
        "max_source_length": 64,
        "max_target_length": 16,
        "validation_posts": 8,
        "context_noise": {"random": 0.2, "empty": 0.1},
        "arguments": {**_QUICK, "generation_max_length": 8},
    },
    "ranker": {"rounds": 4, "leaves": 4, "least_rows": 4, "pool": {"depth": 10, "nearest": 5, "size": 10}},
}


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return build_recipe(_RECIPE, "the test's recipe")


@pytest.fixture(scope="module")
def splits(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Post]]:
    data = write_splits(tmp_path_factory.mktemp("data"))
    return {split: recipe.posts(data, split) for split in ("train", "validation", "test")}


@pytest.mark.slow
def test_from_recipe_to_checkpoint(recipe: Recipe, splits: dict[str, list[Post]], tmp_path: Path) -> None:
    posts, validation = splits["train"], splits["validation"]
    retriever, selector, generator = (tmp_path / name for name in ("retriever", "selector", "generator"))
    build.build_retriever(recipe, posts, retriever)
    build.build_selector(recipe, posts, selector, _WORDNET)
    examples = build.generator_examples(recipe, posts, validation[:8], selector, retriever)
    build.build_generator(recipe, posts, *examples, generator)
    parts = (selector, generator, retriever)
    build_ranker(recipe, posts, validation, tmp_path / "ranker", *parts, _WORDNET)
    record = json.loads((tmp_path / "ranker" / "training.json").read_text())
    assert (record["held_out"], record["calibrated_on"]) == (12, 8)
    own = tmp_path / "ranker-checkpoints"
    assert len(HybridRetriever.from_pretrained(own / "retriever").corpus) == 36  # without the posts held out
    build.build_checkpoint(recipe, posts, validation, tmp_path / "checkpoint", *parts, tmp_path / "ranker")
    model = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert isinstance(model.retriever, HybridRetriever) and model.ranker is not None and model.weights is None
    assert set(json.loads(model.records["training.json"])) >= {"retriever", "selector", "generator", "ranker"}
    found = model.recommend([post.text for post in splits["test"]])
    assert all(len(row) == 5 and all(0 <= entry.score <= 1 for entry in row) for row in found)
    # A stopped run goes on, one with another recipe does not.
    made = {path: path.stat().st_mtime_ns for path in own.glob("*/training.json")}
    build_ranker(recipe, posts, validation, tmp_path / "ranker", *parts, _WORDNET)
    assert {path: path.stat().st_mtime_ns for path in own.glob("*/training.json")} == made
    other = build_recipe({**_RECIPE, "seed": 1}, "another recipe")
    with pytest.raises(ValueError, match="other settings or data"):
        build_ranker(other, posts, validation, tmp_path / "ranker", *parts, _WORDNET)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objective": "taste"}, "unknown objective"),
        ({"order": "size"}, "unknown order"),
        ({"held_out": 1.0}, "held_out must be a share"),
        ({"width": 1}, "unknown setting 'width'"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"the file, ranker.*{message}"):
        build_recipe({"language": "en", "ranker": values}, "the file")
