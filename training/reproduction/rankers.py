"""Past the paper: a ranker over one pool of hashtags from every side, and what it is without each of its parts.

The trees are trained on posts that were held out from all models of their own: retrievers, selector and generator of
the other training posts made their pools. Validation and test pools are made by the models that the paper's rows use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reproduction.analysis.paper import SIMCSE
from reproduction.experiment import Experiment
from reproduction.pools import columns, load_pools, ranked, save_pools, where
from reproduction.systems import System, right
from right_hf.config import RightConfig
from right_hf.data import small
from right_hf.evaluation import BM25, Answer
from right_hf.posts import Post
from right_hf.ranker import PoolSettings, TreeRanker
from right_hf.ranker.features import FEATURES
from right_hf.ranker.linear_features import LinearFeatures
from right_hf.retriever import HybridRetriever
from right_hf.stages import Stages
from right_hf.trainers.linear import fit_weights
from right_hf.trainers.pools import Pools, run_pools
from right_hf.trainers.ranker import fit_ranker, ranker_posts
from right_hf.trainers.runs import claim_run, digest, run_identity

#: Columns that are numbers, not NaN, where their source has a hashtag.
_SOURCES = (
    "bm25_rank",
    "dense_rank",
    "selector_rank",
    "selector_nearest",
    "generator_rank",
    "mention_words",
    "popularity_rank",
)
#: Settings that decide what the pools hold; the others are the trees'.
_OF_POOLS = ("held_out", "order", "posts", "validation_posts", "pool")
#: The split on which everything is chosen and scores are calibrated.
RANKING = "ranking"


class Variant(NamedTuple):
    """A ranker.

    Attributes:
        key: As a part of file names.
        name: As in the table.
        without: Beginnings of names of features: it does not look at these, nor rank what only their sources have.
        unknown: Whether it ranks phrases of the post that the corpus does not have as a hashtag.
        leaked: Whether the pools it learns from were made by models that had seen the posts.
        trained: The generator that it works with, see [`System`].
    """

    key: str
    name: str
    without: tuple[str, ...] = ()
    unknown: bool = True
    leaked: bool = False
    trained: str | None = None

    @property
    def features(self) -> list[str]:
        """The features that it looks at."""
        return [name for name in FEATURES if not name.startswith(self.without)] if self.without else list(FEATURES)

    def view(self, pools: Pools) -> Pools:
        """The pools without the hashtags that it does not rank."""
        sources = [name for name in _SOURCES if name in self.features]
        kept = np.any([~np.isnan(pools.column(name)) for name in sources], axis=0)
        if not self.unknown:
            kept &= (pools.column("corpus_count") > 0) | ~np.isnan(pools.column("generator_rank"))
        return where(pools, kept)


_VOTES = tuple(f"{name}_{column}" for name in ("bm25", "dense") for column in ("votes", "early", "share", "reciprocal"))
WHOLE = Variant("whole", "ranker")
#: The ranker without each of its ideas.
ABLATIONS = (
    Variant("bm25", "- dense retriever", ("dense_",)),
    Variant("no-votes", "- votes", _VOTES),
    Variant("not-written", "- written hashtags", ("generator_rank",)),
    Variant("no-likelihood", "- generator's likelihood", ("generator_mean", "generator_total", "generator_gap")),
    Variant("no-generator", "- generator", ("generator_",)),
    Variant("no-selector", "- selector", ("selector_",)),
    Variant("no-mentions", "- hashtags in the text", ("mention_",)),
    Variant("known", "- unknown hashtags", unknown=False),
    Variant("no-recency", "- recency", ("recency_",)),
    Variant("leaked", "- held-out posts", leaked=True),
)


def unseen_posts(experiment: Experiment, validation: Sequence[Post], number: int | None) -> list[Post]:
    """So many validation posts (None for all) on which no generator of an experiment was chosen.

    Raises:
        ValueError: There are none.
    """
    seen = {post.id for post in experiment.posts["validation"]}
    unseen = [post for post in validation if post.text and post.id not in seen]
    if not unseen:
        raise ValueError("All validation posts chose generators; the ranker needs others. Lower validation_posts.")
    return small(unseen, size=number or len(unseen))


def held_out_of(experiment: Experiment) -> Experiment:
    """The experiment whose models have not seen the posts of its test split, which are training posts of the other."""
    kept, held = ranker_posts(experiment.posts["train"], experiment.plan.ranker)
    posts = {"train": kept, "validation": experiment.posts["validation"], "test": held}
    return Experiment(experiment.plan, posts, experiment.store.folder / "held-out", bases=experiment)


def config_of(experiment: Experiment) -> RightConfig:
    """How the parts work together that make pools."""
    recipe = experiment.plan.recipe
    return RightConfig(hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags)


class RankerExperiment:
    """The rankers of an experiment.

    Args:
        experiment: Whose retrievers, selectors and generators are used.
        validation: The whole validation split; the posts on which generators were chosen are left out.
    """

    def __init__(self, experiment: Experiment, validation: Sequence[Post]) -> None:
        self.experiment = experiment
        self.recipe = experiment.plan.ranker
        experiment.posts[RANKING] = unseen_posts(experiment, validation, self.recipe.validation_posts)
        of_pools = {name: getattr(self.recipe, name) for name in _OF_POOLS}
        identity = run_identity(experiment.plan.recipe, experiment.posts["train"], ranker=of_pools)
        claim_run(experiment.store.folder / "pools", identity)

    @cached_property
    def held_out(self) -> Experiment:
        """See [`held_out_of`]."""
        return held_out_of(self.experiment)

    def system(self, trained: str | None = None) -> System:
        """RIGHT with the better of its retrievers, whose generator the ranker works with."""
        return right(self.experiment.best_retriever)._replace(trained=trained)

    def pools(self, split: str, seed: int, trained: str | None = None) -> Pools:
        """The pools of a split: "ranking", "test", "held-out", or "leaked" for the held-out posts as the models of all
        training posts see them.
        """  # noqa: D205
        held = split in ("held-out", "leaked")
        parts = self.held_out if held else self.experiment
        readers = self.held_out if split == "held-out" else self.experiment
        posts = self.held_out.posts["test"] if held else self.experiment.posts[split]
        system = self.system(trained)

        def make(path: Path) -> None:
            """Retrievers of one experiment, selector and generator of another."""
            config = config_of(self.experiment)
            retriever = HybridRetriever(*(parts.retriever(name) for name in (BM25, SIMCSE)))
            generator = readers.load_generator(system, seed)
            settings = PoolSettings(**self.recipe.pool)
            save_pools(
                run_pools(posts, Stages(config, retriever, readers.selector(seed), generator, pool=settings)), path
            )

        name = f"seed-{seed}/pools/{system.key}-{split}.safetensors"
        return _pools(self.experiment.store.made(name, make))

    def ranker(self, variant: Variant, seed: int) -> TreeRanker:
        """A trained ranker."""

        def make(path: Path) -> None:
            train = variant.view(self.pools("leaked" if variant.leaked else "held-out", seed, variant.trained))
            validation = variant.view(self.pools(RANKING, seed, variant.trained))
            train, validation = (columns(pools, variant.features) for pools in (train, validation))
            fit_ranker(train, validation, self.recipe, seed).save_pretrained(path)

        settings = digest([asdict(self.recipe)])[:8]  # several may be tried on the same pools
        name = f"seed-{seed}/rankers/{self.system(variant.trained).key}-{variant.key}-{settings}"
        return TreeRanker.from_folder(self.experiment.store.made(name, make))

    def answers(self, variant: Variant, seed: int, split: str) -> list[Answer]:
        """What a ranker answers to each post of a split."""
        pools = variant.view(self.pools(split, seed, variant.trained))
        return ranked_answers(pools, self.ranker(variant, seed).probabilities(pools.values, pools.names))

    def written(self, seed: int, split: str) -> list[Answer]:
        """What the generator itself writes when it reads hashtags of the hybrid retriever."""
        pools = self.pools(split, seed)
        ranks = pools.column("generator_rank")
        written = where(pools, ~np.isnan(ranks))
        return [Answer(hashtags[:5], hashtags) for hashtags in ranked(written, -written.column("generator_rank"))]

    def linear(self, seed: int, split: str) -> list[Answer]:
        """The ranking of the linear ranker, fitted on the validation posts."""
        pools = linear_view(self.pools(RANKING, seed))
        ranker: Any = fit_weights(list(linear_rows(pools)), pools.gold.tolist())
        pools = linear_view(self.pools(split, seed))
        return ranked_answers(pools, [ranker.probability(row) for row in linear_rows(pools)])

    def oracle(self, seed: int, split: str) -> list[Answer]:
        """The gold hashtags that are in the pool, before all others."""
        pools = self.pools(split, seed)
        return ranked_answers(pools, pools.gold.astype(float).tolist())


def linear_view(pools: Pools) -> Pools:
    """The pools of the linear ranker: the written hashtags and the selector's first ten."""
    first = RightConfig().pool_hashtags
    return where(pools, ~np.isnan(pools.column("generator_rank")) | (pools.column("selector_rank") <= first))


def linear_rows(pools: Pools) -> Iterable[LinearFeatures]:
    """The features of the linear ranker, see [`right_hf.ranker.linear.linear_features`]."""
    names = ("generator_mean", "generator_rank", "selector_ranking", "selector_rank", "string_in_post")
    for mean, rank, ranking, place, in_post in zip(*(pools.column(name).tolist() for name in names), strict=True):
        retrieved = float(place == place)  # not NaN
        yield LinearFeatures(mean, 1 / rank if rank == rank else 0.0, ranking if retrieved else 0.0, retrieved, in_post)


def ranked_answers(pools: Pools, scores: Sequence[float]) -> list[Answer]:
    """Answers by (-score, hashtag), scores rounded as [`right_hf.ranker.fuse`] rounds them."""
    rounded = np.round(np.asarray(scores, dtype=np.float64), 4)
    return [Answer(hashtags[:5], hashtags[:1]) for hashtags in ranked(pools, rounded)]


@lru_cache(maxsize=2)
def _pools(path: Path) -> Pools:
    return load_pools(path)
