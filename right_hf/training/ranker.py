"""Training of the ranker on pools of posts that none of the models has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.fusion import FEATURES, PoolSettings, Trace, TreeRanker, pool_table
from right_hf.fusion.trees import parse_trees
from right_hf.persistence import load_arrays, save_arrays
from right_hf.posts import Post
from right_hf.training.calibration import fit_probability
from right_hf.training.recipe import RankerRecipe

Floats = npt.NDArray[np.float32]


class Pools(NamedTuple):
    """The pools of some posts, one after the other.

    Attributes:
        sizes: (posts,) hashtags of each pool.
        hashtags: (N,) all hashtags.
        values: (N, len(FEATURES)) their features.
        gold: (N,) which of them the post's author used.
    """

    sizes: npt.NDArray[np.int32]
    hashtags: list[str]
    values: Floats
    gold: npt.NDArray[np.bool_]

    def column(self, name: str) -> Floats:
        """(N,) a feature by its name."""
        return self.values[:, FEATURES.index(name)]

    def where(self, kept: npt.NDArray[np.bool_]) -> Pools:
        """The pools without some of their hashtags; a pool may become empty."""
        bounds = np.concatenate([[0], np.cumsum(self.sizes)])
        before = np.concatenate([[0], np.cumsum(kept)])
        sizes = (before[bounds[1:]] - before[bounds[:-1]]).astype(np.int32)
        hashtags = [self.hashtags[row] for row in np.flatnonzero(kept).tolist()]
        return Pools(sizes, hashtags, self.values[kept], self.gold[kept])

    def ranked(self, scores: npt.NDArray[Any]) -> list[list[str]]:
        """The hashtags of each pool by (-score, hashtag); (N,) scores."""
        ends = np.cumsum(self.sizes).tolist()
        rows = [range(end - size, end) for end, size in zip(ends, self.sizes.tolist(), strict=True)]
        values = scores.tolist()
        return [
            [self.hashtags[row] for row in sorted(r, key=lambda row: (-values[row], self.hashtags[row]))] for r in rows
        ]

    def save(self, path: Path) -> None:
        """Writes the pools as safetensors."""
        names = np.frombuffer("\n".join(self.hashtags).encode(), dtype=np.uint8)
        save_arrays(path, {"sizes": self.sizes, "hashtags": names, "values": self.values, "gold": self.gold})

    @classmethod
    def load(cls, path: Path) -> Pools:
        """Reads what [`save`] wrote.

        Raises:
            ValueError: The file is missing or damaged, or is of other features.
        """
        arrays, _ = load_arrays(path, ("sizes", "hashtags", "values", "gold"))
        joined = arrays["hashtags"].tobytes().decode()
        hashtags = joined.split("\n") if joined else []
        if arrays["values"].shape != (len(hashtags), len(FEATURES)) or arrays["sizes"].sum() != len(hashtags):
            raise ValueError(f"{path} holds the pools of another version. Remove it; it is made again.")
        return cls(arrays["sizes"], hashtags, arrays["values"], arrays["gold"])


def gather_pools(posts: Sequence[Post], traces: Sequence[Trace]) -> Pools:
    """The pools of posts, of which `traces` says what the stages made."""
    tables = [pool_table(trace) for trace in traces]
    sizes = np.asarray([len(table.hashtags) for table in tables], dtype=np.int32)
    hashtags = [tag for table in tables for tag in table.hashtags]
    gold = [tag in post.hashtags for post, table in zip(posts, tables, strict=True) for tag in table.hashtags]
    values = np.concatenate([np.zeros((0, len(FEATURES)), np.float32), *(table.values for table in tables)])
    return Pools(sizes, hashtags, values, np.asarray(gold, dtype=np.bool_))


def join_pools(parts: Sequence[Pools]) -> Pools:
    """Pools one after the other."""
    return Pools(
        np.concatenate([part.sizes for part in parts]),
        [tag for part in parts for tag in part.hashtags],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.gold for part in parts]),
    )


def train_trees(pools: Pools, recipe: RankerRecipe, seed: int, features: Sequence[str] = FEATURES) -> str:
    """Trains boosted trees with LightGBM to put gold hashtags first.

    Pools without gold, or with nothing else, say nothing about an order and are left out.

    Args:
        pools: Pools of posts that no model has seen.
        recipe: Settings of the trees.
        seed: Of the columns and rows that each tree is shown.
        features: The columns to look at.

    Returns:
        LightGBM's text of the model.

    Raises:
        ImportError: LightGBM is not installed.
        ValueError: No pool holds gold and something else.
    """
    lightgbm = _lightgbm()
    owners = np.repeat(np.arange(len(pools.sizes)), pools.sizes)
    golden = np.bincount(owners[pools.gold], minlength=len(pools.sizes))
    telling = pools.where(((golden > 0) & (golden < pools.sizes))[owners])
    if not len(telling.hashtags):
        raise ValueError(
            f"None of {len(pools.sizes)} pools holds gold hashtags and others, so there is no order to learn. Use "
            "posts from the domain of the corpus."
        )
    columns = [FEATURES.index(name) for name in features]
    data = lightgbm.Dataset(
        telling.values[:, columns],
        telling.gold.astype(np.int32),
        group=telling.sizes[telling.sizes > 0],
        feature_name=list(features),
    )
    settings = {
        "objective": recipe.objective,
        "num_leaves": recipe.leaves,
        "learning_rate": recipe.learning_rate,
        "min_data_in_leaf": recipe.least_rows,
        "feature_fraction": recipe.column_share,
        "bagging_fraction": recipe.row_share,
        "bagging_freq": 1,
        "lambdarank_truncation_level": recipe.looked_at,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    return str(lightgbm.train(settings, data, recipe.rounds).model_to_string())


def tree_sums(trees: str, pools: Pools) -> npt.NDArray[np.float64]:
    """(N,) what trees add up to for each hashtag."""
    parsed, names = parse_trees(trees)
    return parsed.sums(pools.values[:, [FEATURES.index(name) for name in names]])


def fit_ranker(
    train: Pools, validation: Pools, recipe: RankerRecipe, seed: int, features: Sequence[str] = FEATURES
) -> TreeRanker:
    """Trains a ranker, and calibrates its scores.

    Args:
        train: Pools of posts that no model has seen.
        validation: Pools of other posts, made by the models that the ranker will work with.
        recipe: Its settings.
        seed: See [`train_trees`].
        features: The columns to look at.
    """
    trees = train_trees(train, recipe, seed, features)
    slope, intercept = fit_probability(tree_sums(trees, validation), validation.gold)
    return TreeRanker(trees, slope, intercept, PoolSettings(**recipe.pool))


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise ImportError("Training a ranker needs LightGBM: pip install right_hf[train]") from error
    return lightgbm
