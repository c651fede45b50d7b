from __future__ import annotations

import numpy as np
import pytest

from right_hf.posts import Post
from right_hf.trainers.labels import pool_labels, soft_label
from right_hf.trainers.pools import Pools
from right_hf.trainers.ranker import TreesRecipe

#: In a plane: foodie and food at a cosine of 0.8, football at right angles to food.
VECTORS = {"food": (1.0, 0.0), "foodie": (0.8, 0.6), "football": (0.0, 1.0), "rare": (1.0, 0.0)}


def embed(hashtags: list[str]) -> np.ndarray:
    return np.array([VECTORS[tag] for tag in hashtags], dtype=np.float32)


def pools() -> Pools:
    counts = np.log1p(np.array([[5], [9], [7], [1], [9]], dtype=np.float32))
    gold = np.array([True, False, False, False, False])
    return Pools(np.array([4, 0, 1]), ["food", "foodie", "football", "rare", "foodie"], counts, gold, ("corpus_count",))


POSTS = [Post("1", "a", ("food",)), Post("2", "b", ("food",)), Post("3", "c")]


def test_what_means_as_much_counts_in_part() -> None:
    found = soft_label(np.array([1, 0, 0, 0.0]), np.array([1.0, 1.0, 0.75, 0.4]), related=0.4)
    assert found.tolist() == pytest.approx([1, 0.4, 0.2, 0])


def test_labels_of_pools() -> None:
    found = pool_labels(pools(), POSTS, embed, related=0.5)
    assert found.tolist() == pytest.approx([1, 0.3, 0, 0, 0])  # a hashtag of one post is not in use; a post without any


def test_without_relations_there_is_gold_alone() -> None:
    assert pool_labels(pools(), POSTS, embed, related=0.0).tolist() == [1, 0, 0, 0, 0]


def test_an_order_has_no_labels_in_part() -> None:
    with pytest.raises(ValueError, match="must be binary, not lambdarank"):
        TreesRecipe(related=0.4)
    assert TreesRecipe(related=0.4, arguments={"objective": "binary"}).related == 0.4
