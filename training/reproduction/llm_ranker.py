"""The ranker with an LLM and without any generator, and what each of the things that the LLM says is worth.

An LLM takes too long for all posts and all hashtags that trees learn from. So they learn from all held-out posts
without it, and from some of them once more with it; and of a pool it judges the hashtags alone that come first without
it, by trees that have not seen the post. None of these posts tuned the LLM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from reproduction.analysis.paper import NO_GENERATOR
from reproduction.analysis.tables import results_table
from reproduction.experiment import SAMPLE, Experiment
from reproduction.pools import between, columns, load_pools, save_pools, where
from reproduction.rankers import RANKING, ranked_answers
from reproduction.report import Report
from reproduction.systems import llm_rows
from right_hf.config import RightConfig
from right_hf.data import small
from right_hf.evaluation import BM25, Answer, Statistics, answer_statistics
from right_hf.posts import Post
from right_hf.ranker import PoolSettings, TreeRanker
from right_hf.ranker.features import FEATURES
from right_hf.stages import Stages
from right_hf.trainers.pools import Pools, run_pools
from right_hf.trainers.ranker import fit_ranker, ranker_posts
from right_hf.trainers.runs import claim_run, digest, run_identity

HELD = "held-out"
#: What trees without a generator do not look at.
_LLM = "generator_"


#: What is gold has this grade where the LLM grades the others.
_GRADES = 4
#: The row of a ranker that learned from the LLM and does without it.
DISTILLED = "ranker without a generator, distilled"


class Judged(NamedTuple):
    """A ranker with the LLM.

    Attributes:
        key: As a part of file names.
        name: As in the table.
        without: Beginnings of names of features that it does not look at.
    """

    key: str
    name: str
    without: tuple[str, ...] = ()

    @property
    def features(self) -> list[str]:
        """The features that it looks at."""
        return [name for name in FEATURES if not (self.without and name.startswith(self.without))]


WITHOUT = Judged("none", "ranker without a generator", (_LLM,))
WITH = Judged("llm", "ranker with {}")
PARTS = (
    Judged("no-answers", "- its answers", ("generator_rank",)),
    Judged("no-likelihoods", "- its likelihoods", ("generator_mean", "generator_total", "generator_gap")),
)


class LlmRankers:
    """The rankers of an experiment whose plan has an LLM.

    Args:
        experiment: Whose retriever, selector and LLM are used.
        validation: The whole validation split; posts that no generator was chosen on calibrate the scores.

    Raises:
        ValueError: The plan has no LLM.
    """

    def __init__(self, experiment: Experiment, validation: Sequence[Post]) -> None:
        self.experiment = experiment
        experiment.planned_llm()
        llm = experiment.plan.llm
        assert llm is not None
        self.llm = llm
        self.recipe = experiment.plan.ranker
        self.system = llm_rows(llm.name)["right"]
        seen = {post.id for post in experiment.posts["validation"]}
        unseen = [post for post in validation if post.text and post.id not in seen]
        experiment.posts[RANKING] = small(unseen, size=llm.calibrated_on)
        identity = {"pool": asdict(self._pool), "judged": llm.ranker_posts, "calibrated": llm.calibrated_on}
        folder = experiment.store.folder / "llm-pools"
        claim_run(folder, run_identity(experiment.plan.recipe, experiment.posts["train"], **identity))
        kept, held = ranker_posts(experiment.posts["train"], self.recipe)
        posts = {"train": kept, "validation": experiment.posts["validation"], "test": held}
        self._held = Experiment(experiment.plan, posts, experiment.store.folder / "held-out", bases=experiment)
        self._judged = min(llm.ranker_posts, len(held) - 1)

    @property
    def _pool(self) -> PoolSettings:
        return PoolSettings(**{**self.recipe.pool, "scored": self.llm.scored})

    def pools(self, split: str, seed: int, judged: bool) -> Pools:
        """The pools of a split, `held-out`, `ranking` or `sample`, without a generator or with the LLM."""

        def make(path: Path) -> None:
            parts, posts = (self._held, self._held.posts["test"]) if split == HELD else self._of(split)
            retriever, selector, recipe = parts.retriever(BM25), parts.selector(seed), self.experiment.plan.recipe
            config = RightConfig(hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags)
            if not judged:
                save_pools(run_pools(posts, Stages(config, retriever, selector, pool=self._pool)), path)
                return
            posts = posts[: self._judged] if split == HELD else posts
            generator = self.experiment.load_generator(self.system, seed)
            stages = Stages(config, retriever, selector, generator, pool=self._pool, first=self.first(seed))
            save_pools(run_pools(posts, stages), path)

        name = f"seed-{seed}/llm-pools/{split}-{'llm' if judged else 'none'}.safetensors"
        return load_pools(self.experiment.store.made(name, make))

    def _of(self, split: str) -> tuple[Experiment, list[Post]]:
        return self.experiment, self.experiment.posts[split]

    def first(self, seed: int) -> TreeRanker:
        """Trees without a generator that have not seen the posts which the LLM judges."""
        found = self.pools(HELD, seed, judged=False)
        others = between(found, self._judged, len(found.sizes))
        return self._fitted("first", WITHOUT, [others], self.pools(RANKING, seed, judged=False), seed)

    def ranker(self, variant: Judged, seed: int) -> TreeRanker:
        """Trees that learn from all held-out posts without the LLM and, but for `WITHOUT`, from some with it."""
        judged = variant != WITHOUT
        learned = [self.pools(HELD, seed, judged=False)] + ([self.pools(HELD, seed, judged=True)] if judged else [])
        return self._fitted(variant.key, variant, learned, self.pools(RANKING, seed, judged), seed)

    def distilled(self, seed: int) -> TreeRanker:
        """Trees without a generator that learn what the LLM finds likely beside what authors used."""

        def make(path: Path) -> None:
            judged = view(self.pools(HELD, seed, judged=True), WITHOUT)
            every = self.pools(HELD, seed, judged=False)
            others = between(every, self._judged, len(every.sizes))
            train = joined([columns(pools, WITHOUT.features) for pools in (judged, others)])
            grades = np.concatenate([soft_grades(judged), np.where(others.gold, _GRADES, 0)]).astype(np.int32)
            told = columns(self.pools(RANKING, seed, judged=False), WITHOUT.features)
            fit_ranker(train, told, self.recipe, seed, grades).save_pretrained(path)

        return self._kept("distilled", seed, make)

    def _fitted(self, key: str, variant: Judged, learned: Sequence[Pools], calibration: Pools, seed: int) -> TreeRanker:
        def make(path: Path) -> None:
            train = joined([columns(view(pools, variant), variant.features) for pools in learned])
            told = columns(view(calibration, variant), variant.features)
            fit_ranker(train, told, self.recipe, seed).save_pretrained(path)

        return self._kept(key, seed, make)

    def _kept(self, key: str, seed: int, make: Callable[[Path], None]) -> TreeRanker:
        settings = digest([asdict(self.recipe)])[:8]
        return TreeRanker.from_folder(self.experiment.store.made(f"seed-{seed}/llm-rankers/{key}-{settings}", make))

    def answers(self, variant: Judged, seed: int) -> list[Answer]:
        """What a ranker answers to each post of the sample."""
        pools = view(self.pools(SAMPLE, seed, judged=variant != WITHOUT), variant)
        return ranked_answers(pools, self.ranker(variant, seed).probabilities(pools.values, pools.names))

    def distilled_answers(self, seed: int) -> list[Answer]:
        """What the distilled ranker answers to each post of the sample, without the LLM."""
        pools = self.pools(SAMPLE, seed, judged=False)
        return ranked_answers(pools, self.distilled(seed).probabilities(pools.values, pools.names))


def view(pools: Pools, variant: Judged) -> Pools:
    """The pools without hashtags that only the LLM's answers have, where a ranker does not look at them."""
    if "generator_rank" in variant.features:
        return pools
    others = np.any(
        [~np.isnan(pools.column(name)) for name in ("bm25_rank", "selector_nearest", "mention_words")], axis=0
    )
    return where(pools, others)


def soft_grades(pools: Pools) -> npt.NDArray[np.int32]:
    """(N,) the highest grade for gold, for the others by the LLM's softmax over the hashtags that it judged."""
    totals = np.exp(np.nan_to_num(pools.column("generator_total").astype(np.float64), nan=-np.inf))
    owners = np.repeat(np.arange(len(pools.sizes)), pools.sizes)
    sums = np.bincount(owners, totals, len(pools.sizes))
    shares = totals / np.where(sums > 0, sums, 1)[owners]
    grades: npt.NDArray[np.int32] = np.where(pools.gold, _GRADES, np.floor(_GRADES * shares)).astype(np.int32)
    return np.minimum(grades, np.where(pools.gold, _GRADES, _GRADES - 1)).astype(np.int32)


def joined(parts: Sequence[Pools]) -> Pools:
    """Pools of the same features, one after the other."""
    return Pools(
        np.concatenate([part.sizes for part in parts]),
        [tag for part in parts for tag in part.hashtags],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.gold for part in parts]),
        parts[0].names,
    )


def llm_fusion_table(report: Report) -> str:
    """The ranker with and without the LLM, beside what each says alone; returns the table in Markdown."""
    rankers = LlmRankers(report.experiment, report.experiment.whole_validation)
    name, experiment = rankers.llm.name, report.experiment
    rows = llm_rows(name)
    shown: dict[str, Callable[[int], list[Answer]]] = {
        rows[key].name: partial(_system_answers, experiment, rows[key]) for key in (NO_GENERATOR, "right")
    }
    for variant in (WITHOUT, WITH, *PARTS):
        shown[variant.name.format(name)] = partial(rankers.answers, variant)
    shown[DISTILLED] = rankers.distilled_answers
    posts, seeds = experiment.posts[SAMPLE], experiment.plan.seeds

    def runs(answers: Callable[[int], list[Answer]]) -> list[Statistics]:
        return [answer_statistics(answers(seed), posts, report.language) for seed in seeds]

    scored, means = report.scored_rows({row: partial(runs, answers) for row, answers in shown.items()})
    baselines = (WITHOUT.name, WITH.name.format(name))
    for row in means:
        report.compare(
            scored, means, row, {other: means[other] for other in baselines if other in means and other != row}
        )
    facts = {"judged": rankers.llm.ranker_posts, "scored": rankers.llm.scored, "ranker": asdict(rankers.recipe)}
    result = {"rows": scored, **report.llm_facts(), **facts}
    return report.write("llm-fusion", results_table(scored, list(baselines)), result)


def _system_answers(experiment: Experiment, system: Any, seed: int) -> list[Answer]:
    return experiment.answers(system, seed, SAMPLE)
