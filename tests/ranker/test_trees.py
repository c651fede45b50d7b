"""Boosted trees, read without LightGBM: equal to LightGBM's own predictions, and whatever is damaged is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.ranker.quickscorer import TreeSums
from right_hf.ranker.trees import parse_trees, tree_section

lightgbm = pytest.importorskip("lightgbm")

NAMES = ["first", "second", "third"]


def data(rows: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(rows, len(NAMES))), 2).astype(np.float32)  # as features are
    values[rng.random(values.shape) < 0.2] = np.nan
    values[:, 1] = np.nan_to_num(values[:, 1])  # one without missing values
    return values


@pytest.fixture(scope="module", params=["binary", "lambdarank"])
def booster(request: pytest.FixtureRequest) -> Any:
    values = data(400)
    gold = (np.nan_to_num(values[:, 0], nan=0.5) + values[:, 1] > 0.4).astype(int)
    settings = {"objective": request.param, "num_leaves": 6, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    rows = lightgbm.Dataset(
        values, gold, feature_name=NAMES, group=[40] * 10 if request.param == "lambdarank" else None
    )
    return lightgbm.train(settings, rows, 12)


def sums(text: str, rows: Any) -> Any:
    trees, names = parse_trees(text)
    return TreeSums(trees, max(len(names), rows.shape[1]))(rows)


def test_sums_are_those_of_lightgbm(booster: Any) -> None:
    assert parse_trees(booster.model_to_string())[1] == NAMES
    rows = data(500, seed=1)
    rows[0], rows[1] = np.nan, 1e30
    assert np.array_equal(sums(booster.model_to_string(), rows), booster.predict(rows, raw_score=True))


def test_lightgbm_reads_what_is_kept(booster: Any) -> None:
    kept = tree_section(booster.model_to_string())
    assert "parameters" not in kept
    rows = data(50, seed=2)
    assert np.array_equal(lightgbm.Booster(model_str=kept).predict(rows, raw_score=True), sums(kept, rows))


@pytest.mark.parametrize(("leaves", "fits"), [(64, True), (65, False)])
def test_trees_have_up_to_64_leaves(leaves: int, fits: bool) -> None:
    values = data(1500)
    settings = {"objective": "regression", "num_leaves": leaves, "min_data_in_leaf": 1, "verbosity": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(values, np.sin(9 * np.nan_to_num(values).sum(axis=1))), 3)
    if fits:
        expected = booster.predict(values, raw_score=True)
        assert np.array_equal(sums(booster.model_to_string(), values), expected)
    else:
        with pytest.raises(ValueError, match="65 leaves, and 64 is the most"):
            parse_trees(booster.model_to_string())


def test_a_tree_of_one_leaf(booster: Any) -> None:
    values = data(60)
    rows = lightgbm.Dataset(values, np.arange(60) % 2, feature_name=NAMES)
    stump = lightgbm.train({"objective": "binary", "min_data_in_leaf": 50, "verbosity": -1}, rows, 2)
    assert np.allclose(sums(stump.model_to_string(), values), stump.predict(values, raw_score=True), atol=1e-12)


def changed(text: str, key: str, value: str) -> str:
    """The text with another value in the first line of a key."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"{key}="))
    return "\n".join([*lines[:at], f"{key}={value}", *lines[at + 1 :]])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("left_child", "1 2 3 4 -1", "hang together|must hold"),
        ("left_child", "0 0 0 0 0", "hang together"),
        ("right_child", "99 -1 -2 -3 -4", "hang together|must hold"),
        ("split_feature", "0 7 0 0 0", "beyond the 3"),
        ("split_feature", "0 -1 0 0 0", "beyond the 3"),
        ("threshold", "nan 0 0 0 0", "must hold"),
        ("threshold", "0 0", "must hold 5"),
        ("leaf_value", "inf 0 0 0 0 0", "must hold"),
        ("decision_type", "1 2 2 2 2", "not numeric"),
        ("num_cat", "1", "not numeric"),
        ("num_leaves", "0", "no leaf"),
        ("num_leaves", "x", "invalid literal"),
        ("is_linear", "1", "not numeric"),
        ("num_class", "3", "several classes"),
        ("feature_names", "a b", "names 2 columns"),
    ],
)
def test_damaged_trees_are_refused(booster: Any, key: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_trees(changed(booster.model_to_string(), key, value))


@pytest.mark.parametrize(
    "text", ["", "tree", "tree\nend of trees", "Tree=0\nend of trees", "tree\nversion\nend of trees"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="No trees in LightGBM's text format"):
        parse_trees(text)


@given(st.data())
def test_a_text_with_any_damage_is_refused_or_harmless(booster: Any, choices: st.DataObject) -> None:
    text = tree_section(booster.model_to_string())
    begin = choices.draw(st.integers(0, len(text)))
    end = choices.draw(st.integers(begin, min(len(text), begin + 40)))
    damaged = text[:begin] + choices.draw(st.text("0123456789-=. \nT", max_size=5)) + text[end:]
    try:
        trees, _ = parse_trees(damaged)
    except ValueError:
        return
    columns = max(3, trees.features.max(initial=0) + 1)
    assert np.isfinite(TreeSums(trees, columns)(np.resize(data(5), (5, columns)))).all()  # it ends, and in bounds
