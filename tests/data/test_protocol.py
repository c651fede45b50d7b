from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.data import apply_protocol, small
from right_hf.posts import Post
from right_hf.trainers.recipe import Recipe, load_recipe
from tests.support.smoke_data import write_splits

ids = st.lists(st.integers(0, 99).map(str), unique=True, max_size=20)


def posts_of(names: list[str]) -> list[Post]:
    return [Post(name, "t", ("x",)) for name in names]


@given(ids, st.integers(1, 40), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_part_does_not_depend_on_the_order(names: list[str], size: int, seed: int, rng: random.Random) -> None:
    posts = posts_of(names)
    part = small(posts, seed, size)
    assert part == small(rng.sample(posts, len(posts)), seed, size)
    assert set(part) <= set(posts)
    assert len(part) == len(set(part)) == min(size, len(posts))
    assert small(posts, seed, size + 3)[: len(part)] == part


@given(ids.filter(len), st.integers(1, 30))
def test_a_further_post_displaces_at_most_one(names: list[str], size: int) -> None:
    before = set(small(posts_of(names[1:]), size=size))
    assert len(before - set(small(posts_of(names), size=size))) <= 1


def test_seeds_choose_different_parts_evenly() -> None:
    posts = posts_of([str(number) for number in range(2000)])
    first, second = set(small(posts, 0, 1000)), set(small(posts, 1, 1000))
    assert 430 < len(first & second) < 570
    assert 430 < len(first & set(posts[:1000])) < 570


def test_the_part_never_changes() -> None:
    # A result on `small` is only comparable with one on the same posts.
    assert [post.id for post in small(posts_of([f"p{n}" for n in range(10)]), size=4)] == ["p0", "p1", "p4", "p5"]


def test_protocols() -> None:
    posts = posts_of([str(number) for number in range(30_010)])
    assert apply_protocol("full", posts) == posts
    assert apply_protocol("small", posts) == small(posts)
    assert len(small(posts)) == 30_000
    with pytest.raises(ValueError, match=r"Unknown protocol 'tiny'. Known: full, small"):
        apply_protocol("tiny", posts)
    with pytest.raises(ValueError, match="size=0"):
        small(posts, size=0)


def test_the_protocol_of_a_recipe_applies_to_training_posts(tmp_path: Path) -> None:
    data = write_splits(tmp_path / "data")
    path = tmp_path / "recipe.yaml"
    path.write_text("language: en\nprotocol: small\n")
    recipe = load_recipe(path, seed=3)
    train = Recipe("en").posts(data, "train")
    assert recipe.posts(data, "train") == small(train) != train
    assert recipe.posts(data, "test") == Recipe("en").posts(data, "test")
    assert json.loads(json.dumps(asdict(recipe)))["protocol"] == "small"
    path.write_text("language: en\nprotocol: tiny\n")
    with pytest.raises(ValueError, match=r"recipe\.yaml: unknown protocol 'tiny'. Known: full, small"):
        load_recipe(path)
