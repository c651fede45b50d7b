"""From a recipe to a checkpoint with a hybrid retriever and a ranker, with a generator and without."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reproduction.pretraining import prepare

from right_hf import HybridRetriever, RightModel
from right_hf.posts import Post
from right_hf.times import moment
from right_hf.trainers.build import build_checkpoint, build_component
from right_hf.trainers.job import Bases, Job
from right_hf.trainers.ranker import check_arguments
from right_hf.trainers.recipe import Recipe, build_recipe
from tests.support.paths import WORDNET
from tests.support.smoke_data import write_splits

pytest.importorskip("lightgbm")
_QUICK = {"num_train_epochs": 1, "use_cpu": True, "dataloader_pin_memory": False, "disable_tqdm": True}
_ENCODER = {"arguments": {**_QUICK, "learning_rate": 0.01, "per_device_train_batch_size": 16}}
_SIZES = {"dimensions": 16, "vocabulary_size": 300}
_SHAPE = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1, "num_decoder_layers": 1}
_RECIPE: dict[str, Any] = {
    "language": "en",
    "pretraining": {
        "retriever": _SIZES,
        "selector": _SIZES,
        "generator": {"vocabulary_size": 300, "shape": _SHAPE},
    },
    "retriever": {**_ENCODER, "type": "hybrid"},
    "selector": {**_ENCODER, "hashtags": 3, "wordnet": str(WORDNET)},
    "generator": {
        "max_source_length": 64,
        "max_target_length": 16,
        "validation_posts": 8,
        "arguments": {**_QUICK, "generation_max_length": 8},
    },
    "ranker": {
        "arguments": {"num_iterations": 4, "num_leaves": 4, "min_data_in_leaf": 4},
        "pool": {"depth": 10, "nearest": 5, "size": 10},
    },
}


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Post]]:
    data = write_splits(tmp_path_factory.mktemp("data"))
    return {split: Recipe("en").posts(data, split) for split in ("train", "validation", "test")}


def bases(values: dict[str, Any], posts: Any, folder: Path) -> Bases:
    made = prepare(values, posts, folder)
    return Bases(build_recipe(made.values, "the test's recipe"), made.extra_examples)


def first_job(values: dict[str, Any], splits: dict[str, list[Post]], folder: Path) -> Job:
    recipe = bases(values, splits["train"], folder / "bases").recipe
    made = lambda posts, folder: bases(values, posts, folder)  # noqa: E731
    return Job(recipe, splits["train"], splits["validation"], folder, bases=made)


def make(job: Job, role: str, **folders: Path) -> Path:
    output = job.output / role
    build_component(role, replace(job, output=output, folders=folders))
    return output


@pytest.mark.slow
def test_from_recipe_to_checkpoint(splits: dict[str, list[Post]], tmp_path: Path) -> None:
    job = first_job(_RECIPE, splits, tmp_path)
    parts = {"retriever": make(job, "retriever"), "selector": make(job, "selector")}
    parts["generator"] = make(job, "generator", **parts)
    parts["ranker"] = make(job, "ranker", **parts)
    record = json.loads((tmp_path / "ranker" / "training.json").read_text())
    assert (record["held_out"], record["calibrated_on"]) == (12, 8)
    own = tmp_path / "ranker-checkpoints"
    assert len(HybridRetriever.from_pretrained(own / "retriever").corpus) == 36  # without the posts held out
    assert (own / "bases" / "generator").is_dir()  # nor does what they start from know them
    build_checkpoint(replace(job, output=tmp_path / "checkpoint", folders=parts))
    model = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert isinstance(model.retriever, HybridRetriever) and model.ranker is not None and model.ranker.type == "trees"
    assert set(json.loads(model.records["training.json"])) >= {"retriever", "selector", "generator", "ranker"}
    found = model.recommend([post.text for post in splits["test"]])
    assert all(len(row) == 5 and all(0 <= entry.score <= 1 for entry in row) for row in found)
    # A stopped run goes on, one with another recipe does not.
    made = {path: path.stat().st_mtime_ns for path in own.glob("*/training.json")}
    make(job, "ranker", **{role: parts[role] for role in ("retriever", "selector", "generator")})
    assert {path: path.stat().st_mtime_ns for path in own.glob("*/training.json")} == made
    other = replace(job, recipe=replace(job.recipe, seed=1))
    with pytest.raises(ValueError, match="other settings or data"):
        make(other, "ranker", **{role: parts[role] for role in ("retriever", "selector", "generator")})


@pytest.mark.slow
def test_without_a_generator_and_with_popular_hashtags(splits: dict[str, list[Post]], tmp_path: Path) -> None:
    ranker = {**_RECIPE["ranker"], "pool": {**_RECIPE["ranker"]["pool"], "popular": 5}}
    values = {**_RECIPE, "retriever": {"type": "bm25"}, "generator": None, "ranker": ranker}
    values["pretraining"] = {"selector": _SIZES}
    job = first_job(values, splits, tmp_path)
    parts = {"selector": make(job, "selector")}
    parts["ranker"] = make(job, "ranker", **parts)
    assert {path.name for path in (tmp_path / "ranker-checkpoints").iterdir() if path.is_dir()} >= {"selector"}
    assert not (tmp_path / "ranker-checkpoints" / "generator").exists()
    build_checkpoint(replace(job, output=tmp_path / "checkpoint", folders=parts))
    assert not (tmp_path / "checkpoint" / "generator").exists()
    model = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert model.generator is None
    assert len(model.retriever.corpus) == 48  # that of the training has not grown by the posts of the pools
    text = splits["test"][0].text
    moments = [moment("2020-01-28T13:00:00Z"), moment("2031-01-01T00:00:00Z")]
    soon, late = model.trace([text, text], now=moments)
    assert soon.pool is not None and late.pool is not None
    assert soon.pool.popular and not late.pool.popular
    assert all(len(row) == 5 for row in model.recommend([text, text], now=moments))
    # A ranker that was not trained is the linear one, or none.
    parts.pop("ranker")
    build_checkpoint(replace(job, output=tmp_path / "linear", folders=parts))
    linear = RightModel.from_pretrained(tmp_path / "linear")
    assert linear.ranker is not None and linear.ranker.type == "linear"
    none = replace(job, recipe=replace(job.recipe, ranker=None), output=tmp_path / "none", folders=parts)
    build_checkpoint(none)
    assert RightModel.from_pretrained(tmp_path / "none").ranker is None


@pytest.mark.slow
def test_the_linear_ranker_is_trained_as_any(splits: dict[str, list[Post]], tmp_path: Path) -> None:
    values = {**_RECIPE, "retriever": {}, "generator": None, "ranker": {"type": "linear", "validation_posts": 12}}
    values["pretraining"] = {"selector": _SIZES}
    job = first_job(values, splits, tmp_path)
    parts = {"selector": make(job, "selector")}
    parts["ranker"] = make(job, "ranker", **parts)
    settings = json.loads((parts["ranker"] / "ranker_config.json").read_text())
    assert settings["ranker_type"] == "linear" and settings["ranking"] != 0 and settings["log_likelihood"] == 0
    build_checkpoint(replace(job, output=tmp_path / "checkpoint", folders=parts))
    ranker = RightModel.from_pretrained(tmp_path / "checkpoint").ranker
    assert ranker is not None and ranker.settings["ranking"] == settings["ranking"]


def test_parts_that_are_missing_are_named(splits: dict[str, list[Post]], tmp_path: Path) -> None:
    job = Job(Recipe("en"), splits["train"], splits["validation"], tmp_path / "checkpoint")
    with pytest.raises(ValueError, match=r"needs a trained generator.*right-hf train generator"):
        build_checkpoint(job)
    with pytest.raises(ValueError, match=r"needs a trained selector.*right-hf train selector"):
        build_checkpoint(replace(job, recipe=replace(job.recipe, generator=None)))


def test_lightgbms_parameters_have_its_names() -> None:
    check_arguments({"num_leaves": 4, "lambda_l2": 1.0, "objective": "binary"})
    for name in ("leaves", "n_estimators"):
        with pytest.raises(ValueError, match=f"LightGBM has no parameter '{name}'"):
            check_arguments({name: 4})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"arguments": {"objective": "taste"}}, "unknown objective"),
        ({"order": "size"}, "unknown order"),
        ({"held_out": 1.0}, "held_out must be a share"),
        ({"pool": {"depth": 0}}, "depth must be"),
        ({"pool": {"width": 1}}, "width"),
        ({"width": 1}, "unknown setting 'width'"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"the file, ranker.*{message}"):
        build_recipe({"language": "en", "ranker": values}, "the file")
