"""Training of the ranker's trees on pools of posts that none of the components has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from right_hf.checks import probability
from right_hf.data.protocol import small
from right_hf.encoders import embed
from right_hf.posts import Post
from right_hf.ranker.base import Ranker
from right_hf.ranker.features import is_feature
from right_hf.ranker.pool import PoolSettings
from right_hf.ranker.quickscorer import TreeSums
from right_hf.ranker.trees import MOST_LEAVES, parse_trees
from right_hf.registry import component_class
from right_hf.stages import Stages
from right_hf.trainers.build import build_component
from right_hf.trainers.job import Job, Trained
from right_hf.trainers.labels import pool_labels
from right_hf.trainers.linear import fit_probability
from right_hf.trainers.pools import Floats, Pools, run_pools
from right_hf.trainers.pretrained import encoder_named
from right_hf.trainers.recipe import RankerRecipe

#: What trees can be trained for: the order of a pool, or each of its hashtags.
OBJECTIVES = ("lambdarank", "binary")
#: Which posts are held out.
ORDERS = ("random", "time")
#: Of their random choice, so that it is another than that of the protocol `small`.
_HELD_OUT_SEED = 7
#: Parameters of LightGBM where a recipe says nothing.
_DEFAULTS: dict[str, Any] = {
    "objective": "lambdarank",
    "num_iterations": 300,
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambdarank_truncation_level": 3,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class TreesRecipe(RankerRecipe):
    """Settings of the trees.

    Attributes:
        held_out: This share of the training posts is kept from a retriever, selector and generator that are trained on
            the others; the trees learn from the pools that these make of them.
        order: "time" holds out the latest posts, which are to the others as posts to come will be to all; posts that
            tell no time, and with "random" all, are drawn.
        posts: At most so many of them.
        validation_posts: So many calibrate the scores.
        optional_generator: Whether the trees learn each pool also as it is without a generator, and so can do without.
        related: What a hashtag counts that means the same as one of the author's, from nothing (0) to as much (1); see
            [`right_hf.trainers.labels.pool_labels`]. Above 0 the objective must be "binary".
        related_by: The sentence-transformers model that says what means the same, named as an encoder's is; None for
            the selector.
        left_out: Features that they are not to look at, as they do not help on validation posts; what no tree looks at
            is not even worked out.
        pool: Settings of [`right_hf.ranker.PoolSettings`].
        arguments: Parameters of LightGBM under its own names, in the place of the defaults here.
    """

    held_out: float = 0.25
    order: str = "time"
    posts: int = 8000
    validation_posts: int | None = 2500
    optional_generator: bool = True
    related: float = 0.0
    related_by: str | None = None
    left_out: list[str] = field(default_factory=list)
    pool: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (objective := self.arguments.get("objective", OBJECTIVES[0])) not in OBJECTIVES:
            raise ValueError(f"unknown objective {objective!r}. Known: {', '.join(OBJECTIVES)}.")
        if self.order not in ORDERS:
            raise ValueError(f"unknown order {self.order!r}. Known: {', '.join(ORDERS)}.")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must be a share between 0 and 1, got {self.held_out!r}.")
        PoolSettings(**self.pool)
        if probability(self.related, "related") and objective != "binary":
            raise ValueError(
                f"related labels have no order of their own, so the objective must be binary, not {objective}."
            )
        if unknown := [name for name in self.left_out if not is_feature(name)]:
            raise ValueError(f"unknown feature {unknown[0]!r}. Known are those in right_hf.ranker.features.FEATURES.")
        if self.arguments.get("num_leaves", 1) > MOST_LEAVES:
            raise ValueError(f"num_leaves must be at most {MOST_LEAVES}, got {self.arguments['num_leaves']}.")


class TreeTraining:
    """Trains a [`right_hf.ranker.TreeRanker`]."""

    settings = TreesRecipe

    def train(self, job: Job) -> Trained:
        """Trains components on a part of the posts, trees on their pools of the others, and calibrates the scores.

        This takes about as long as the training of the components. The validation posts are those on which the
        generator was not chosen, where there are others; their pools are made by the job's own components.
        """
        recipe: TreesRecipe = job.recipe.ranker
        check_arguments(recipe.arguments)
        kept, held = ranker_posts(job.posts, recipe)
        job.claim()
        apart = _held_out_job(job, kept)
        train = _pools(apart, held)
        chosen_on = 0 if job.recipe.generator is None else job.recipe.generator.validation_posts
        unseen = [post for post in (job.validation[chosen_on:] or job.validation) if post.text]
        unseen = small(unseen, size=recipe.validation_posts or len(unseen))
        calibration = _pools(job, unseen)
        labels = _labels(apart, train, held)
        ranker = fit_ranker(train, calibration, recipe, job.recipe.seed, labels)
        return Trained(ranker, {"held_out": len(held), "calibrated_on": len(unseen)})


def _labels(job: Job, pools: Pools, posts: Sequence[Post]) -> Floats | None:
    """The labels of pools, one or several of each post, where others than gold hashtags count."""
    recipe: TreesRecipe = job.recipe.ranker
    if not recipe.related:
        return None
    embedder = job.part("selector").embed_hashtags
    if recipe.related_by is not None:
        embedder = partial(embed, SentenceTransformer(encoder_named(recipe.related_by), device="cpu"))
    return pool_labels(pools, list(posts) * (len(pools.sizes) // len(posts)), embedder, recipe.related)


def ranker_posts(posts: Sequence[Post], recipe: TreesRecipe) -> tuple[list[Post], list[Post]]:
    """The training posts that the models behind a ranker's pools keep, and those it learns from; see [`hold_out`]."""
    kept, held = hold_out(posts, recipe.held_out, recipe.order)
    return kept, small([post for post in held if post.text], size=recipe.posts)


def hold_out(posts: Sequence[Post], share: float, order: str = "random") -> tuple[list[Post], list[Post]]:
    """Splits posts into those that models are trained on, and a share that is held out.

    Args:
        posts: The training posts.
        share: Of the posts, above 0 and below 1.
        order: "random" draws them by a hash of the id; "time" takes the latest of those that tell their time, and
            draws among the others.

    Returns:
        The posts that stay, in their order, and the posts held out; neither is empty.

    Raises:
        ValueError: There are too few posts to split.
    """
    dated = sorted((p for p in posts if order == "time" and p.created_at), key=lambda post: (post.created_at, post.id))
    others = [post for post in posts if not (order == "time" and post.created_at)]
    latest = dated[len(dated) - round(share * len(dated)) :]
    number = round(share * len(others))
    held = latest + (small(others, _HELD_OUT_SEED, number) if number else [])
    ids = {post.id for post in held}
    kept = [post for post in posts if post.id not in ids]
    if not (held and kept):
        raise ValueError(f"{len(posts)} posts cannot be split with {share} of them held out. Use more posts.")
    return kept, held


def _held_out_job(job: Job, posts: Sequence[Post]) -> Job:
    """The job of these posts alone, with components that are trained on them."""
    whole, job = job, job.of_posts(posts)
    folders: dict[str, Path] = {}
    for role in ("retriever", "selector", "generator"):
        if (settings := getattr(job.recipe, role)) is None:
            continue
        if getattr(component_class(role, settings.type).trainer(), "unsupervised", False):
            folders[role] = whole.folders[role]  # nobody told it who used which hashtag
            continue
        folder = job.checkpoints / role
        if not folder.is_dir():
            build_component(role, replace(job, output=folder, folders=folders))
        folders[role] = folder
    return replace(job, folders=folders)


def _pools(job: Job, posts: Sequence[Post]) -> Pools:
    """The pools that a job's components make of posts; where a generator is optional, with it and without it."""
    recipe, parts = job.recipe, job.parts()
    twice = recipe.generator is not None and recipe.ranker.optional_generator
    return run_pools(posts, Stages(*parts, pool=PoolSettings(**recipe.ranker.pool)), (1, 0) if twice else (None,))


def check_arguments(arguments: dict[str, Any]) -> None:
    """Refuses parameters that LightGBM does not know, which it would pass over in silence.

    Raises:
        ImportError: LightGBM is not installed.
        ValueError: A parameter is unknown under this name.
    """
    lightgbm = _lightgbm()
    data = lightgbm.Dataset(np.zeros((2, 1)), np.array([0, 1]), group=[2], params={"verbosity": -1})
    known = lightgbm.Booster({"verbosity": -1}, data).model_to_string()
    if unknown := [name for name in arguments if f"\n[{name}: " not in known]:
        raise ValueError(
            f"LightGBM has no parameter {unknown[0]!r}. Its names are on https://lightgbm.readthedocs.io (Parameters); "
            "of several names for one parameter give the first."
        )


def train_trees(pools: Pools, recipe: TreesRecipe, seed: int, labels: Floats | None = None) -> str:
    """Trains boosted trees with LightGBM to put gold hashtags first.

    Pools without gold, or with nothing else, say nothing about an order and are left out.

    Args:
        pools: Pools of posts that no model has seen.
        recipe: Settings of the trees.
        seed: Of the columns and rows that each tree is shown.
        labels: (N,) see [`right_hf.trainers.labels.pool_labels`]; None for gold hashtags alone.

    Returns:
        LightGBM's text of the model.

    Raises:
        ImportError: LightGBM is not installed.
        ValueError: No pool holds gold and something else.
    """
    lightgbm = _lightgbm()
    owners = np.repeat(np.arange(len(pools.sizes)), pools.sizes)
    golden = np.bincount(owners[pools.gold], minlength=len(pools.sizes))
    telling = (golden > 0) & (golden < pools.sizes)
    if not telling.any():
        raise ValueError(
            f"None of {len(pools.sizes)} pools holds gold hashtags and others, so there is no order to learn. Use "
            "posts from the domain of the corpus."
        )
    rows, names = telling[owners], list(pools.names)
    learnt = (pools.gold if labels is None else labels)[rows].astype(np.float32)
    data = lightgbm.Dataset(pools.values[rows], learnt, group=pools.sizes[telling], feature_name=names)
    settings = {**_DEFAULTS, "seed": seed, **recipe.arguments}
    if recipe.related:
        settings["objective"] = "cross_entropy"  # the binary one for labels between 0 and 1
    rounds = settings.pop("num_iterations")
    return str(lightgbm.train(settings, data, rounds).model_to_string())


def fit_ranker(train: Pools, validation: Pools, recipe: TreesRecipe, seed: int, labels: Floats | None = None) -> Ranker:
    """Trains a ranker, and calibrates its scores.

    Args:
        train: Pools of posts that no model has seen.
        validation: Pools of other posts with the same features, made by the models that the ranker will work with.
        recipe: Its settings.
        seed: See [`train_trees`].
        labels: Of the training pools, see [`train_trees`].

    Raises:
        ValueError: The pools have other features than each other, or teach nothing.
    """
    if train.names != validation.names:
        raise ValueError(f"Both pools must have the same features, got {train.names} and {validation.names}.")
    if recipe.left_out:
        kept = [name for name in train.names if name not in recipe.left_out]
        train, validation = (pools.of_features(kept) for pools in (train, validation))
    trees = train_trees(train, recipe, seed, labels)
    parsed, names = parse_trees(trees)
    slope, intercept = fit_probability(TreeSums(parsed, len(names))(validation.values), validation.gold)
    kind: Any = component_class("ranker", recipe.type)
    ranker: Ranker = kind(trees, slope, intercept, PoolSettings(**recipe.pool), recipe.optional_generator)
    return ranker


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise ImportError("Training a ranker needs LightGBM: pip install right_hf[train]") from error
    return lightgbm
