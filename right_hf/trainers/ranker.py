"""Training of the ranker on pools of posts that none of the models has seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.ranker import FEATURES, PoolSettings, TreeRanker
from right_hf.ranker.trees import parse_trees
from right_hf.trainers.calibration import fit_probability
from right_hf.trainers.pools import Pools
from right_hf.trainers.recipe import RankerRecipe


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
