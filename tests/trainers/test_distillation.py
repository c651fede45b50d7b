from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from transformers import BertConfig, BertModel

from right_hf.posts import Post
from right_hf.registry import load_component
from right_hf.trainers.asymmetric_network import distillation_loss
from right_hf.trainers.build import build_component
from right_hf.trainers.distillation import Lessons, Side, collate, post_texts, principal_directions, short_texts
from right_hf.trainers.job import Job
from right_hf.trainers.recipe import Recipe, build_recipe

pytestmark = pytest.mark.usefixtures("offline")

POSTS = [Post(str(at), f"post {at} about warm bread and a late match", ("warm bread", f"tag{at}")) for at in range(40)]


@pytest.fixture(scope="module")
def teacher(tiny_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("teacher")
    shape = {"hidden_size": 96, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(tiny_tokenizer), **shape)).save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return folder


def recipe(teacher: Path, ranker: dict[str, Any] | None = None, **settings: Any) -> Recipe:
    arguments = {"use_cpu": True, "disable_tqdm": True, "per_device_train_batch_size": 8, "num_train_epochs": 12}
    selector = {"type": "asymmetric", "encoder": str(teacher), "dimensions": 64, "layers": 1, "inner": 32}
    values = {"language": "en", "selector": selector | {"arguments": arguments, **settings}, "ranker": ranker}
    return build_recipe({**values, "generator": None}, "recipe")


def test_it_learns_to_say_what_its_teacher_says(teacher: Path, tmp_path: Path) -> None:
    build_component("selector", Job(recipe(teacher), POSTS, (), tmp_path / "selector"))
    selector = load_component("selector", tmp_path / "selector")
    texts, hashtags = [post.text for post in POSTS[:8]], ["warm bread", "late match", "tag3"]
    model = SentenceTransformer(str(teacher), device="cpu")
    posts, tags = (model.encode(found, normalize_embeddings=True) for found in (texts, hashtags))
    found = np.asarray(selector.similarity(texts, [hashtags] * len(texts)))
    assert found == pytest.approx(posts @ tags.T, abs=0.2)
    assert np.corrcoef(found.ravel(), (posts @ tags.T).ravel())[0, 1] > 0.9


def test_a_ranker_learns_from_the_posts_of_its_selector(teacher: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightgbm")
    trees = {"objective": "binary", "num_iterations": 3, "num_leaves": 3, "min_data_in_leaf": 2}
    values = {"related": 0.4, "related_by": str(teacher), "order": "random", "arguments": trees}
    found = recipe(teacher, values)
    job = Job(found, POSTS, POSTS[:10], tmp_path / "selector")
    build_component("selector", job)
    job = replace(job, output=tmp_path / "ranker", folders={"selector": tmp_path / "selector"})
    build_component("ranker", job)
    assert load_component("ranker", tmp_path / "ranker").settings
    assert not (tmp_path / "ranker-checkpoints" / "selector").exists()
    assert (tmp_path / "ranker-checkpoints").is_dir()


def test_the_same_seed_gives_the_same_selector(teacher: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        short = {"use_cpu": True, "disable_tqdm": True, "max_steps": 3}
        build_component("selector", Job(recipe(teacher, arguments=short), POSTS, (), tmp_path / name))
    assert len({load_component("selector", tmp_path / name).fingerprint() for name in ("one", "other")}) == 1


def test_a_width_without_whole_heads_is_refused(teacher: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 64, got 100"):
        recipe(teacher, dimensions=100)


def test_more_dimensions_than_the_teacher_has_are_refused(teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most the 96 of its teacher, got 128"):
        build_component("selector", Job(recipe(teacher, dimensions=128), POSTS, (), tmp_path / "selector"))


def test_texts_of_both_sides() -> None:
    posts = [Post("1", "one two three four five", ("six",)), Post("2", "alone"), Post("3", "")]
    whole = post_texts(posts, seed=0)
    assert {"one two three four five", "alone"} <= set(whole) and len(whole) == 3
    assert all(len(text.split()) >= 3 for text in whole if text != "alone")
    short = short_texts(posts, seed=0)
    assert {"six", "alone"} <= set(short)
    assert all(len(text.split()) <= 2 for text in short)
    assert short == short_texts(posts, seed=0) != short_texts(posts, seed=3)


@given(st.integers(1, 5), st.integers(1, 30))
def test_all_short_texts_have_their_turn(posts: int, hashtags: int) -> None:
    sides = [
        Side([[at + 1] for at in range(count)], np.arange(count, dtype=np.float32)[:, None])
        for count in (posts, hashtags)
    ]
    lessons = Lessons(*sides, seed=1)  # type: ignore[misc]
    batch = collate([lessons[at] for at in range(len(lessons))])
    assert batch["posts"].tolist() == [[at + 1] for at in range(posts)]
    seen = batch["hashtags"].flatten().tolist()
    assert len(set(seen)) == min(hashtags, 4 * posts)
    assert (batch["hashtags"].flatten() - 1 == batch["hashtag_targets"].flatten()).all()


def test_few_directions_keep_dot_products() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32) @ np.eye(3, 8, dtype=np.float32)
    found = vectors @ principal_directions(vectors, 3)
    assert found @ found.T == pytest.approx(vectors @ vectors.T, abs=1e-4)


def test_the_loss_of_what_is_reached_is_nothing() -> None:
    posts, hashtags = (torch.nn.functional.normalize(torch.randn(count, 6), dim=1) for count in (4, 7))
    assert float(distillation_loss(posts, hashtags, posts, hashtags)) == pytest.approx(0, abs=1e-5)
    assert float(distillation_loss(-posts, hashtags, posts, hashtags)) > 2
