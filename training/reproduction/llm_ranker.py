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

from reproduction.analysis.paper import NO_GENERATOR
from reproduction.analysis.tables import results_table
from reproduction.experiment import SAMPLE, Experiment
from reproduction.pools import between, columns, joined, load_pools, save_pools
from reproduction.rankers import RANKING, Variant, config_of, held_out_of, ranked_answers, unseen_posts
from reproduction.report import Report
from reproduction.systems import llm_rows
from right_hf.evaluation import BM25, Answer, Statistics, answer_statistics
from right_hf.posts import Post
from right_hf.ranker import PoolSettings, TreeRanker
from right_hf.stages import Stages
from right_hf.trainers.pools import Pools, run_pools
from right_hf.trainers.ranker import fit_ranker
from right_hf.trainers.recipe import choices
from right_hf.trainers.runs import claim_run, digest, run_identity

HELD = "held-out"
#: Rankers, of which two are named after the LLM.
WITHOUT = Variant("none", "ranker without a generator", ("generator_",))
WITH = Variant("llm", "ranker with {}")
PARTS = (
    Variant("no-answers", "- its answers", ("generator_rank",)),
    Variant("no-likelihoods", "- its likelihoods", ("generator_mean", "generator_total", "generator_gap")),
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
        experiment.posts[RANKING] = unseen_posts(experiment, validation, llm.calibrated_on)
        identity = {"pool": choices(self._pool), "judged": llm.ranker_posts, "calibrated": llm.calibrated_on}
        folder = experiment.store.folder / "llm-pools"
        claim_run(folder, run_identity(experiment.plan.recipe, experiment.posts["train"], **identity))
        self._held = held_out_of(experiment)
        self._judged = min(llm.ranker_posts, len(self._held.posts["test"]) - 1)

    @property
    def _pool(self) -> PoolSettings:
        return PoolSettings(**{**self.recipe.pool, "scored": self.llm.scored})

    def pools(self, split: str, seed: int, judged: bool) -> Pools:
        """The pools of a split, `held-out`, `ranking` or `sample`, without a generator or with the LLM."""

        def make(path: Path) -> None:
            experiment = self._held if split == HELD else self.experiment
            posts = experiment.posts["test" if split == HELD else split]
            parts = config_of(self.experiment), experiment.retriever(BM25), experiment.selector(seed)
            stages = Stages(*parts, pool=self._pool)
            if judged:
                posts = posts[: self._judged] if split == HELD else posts
                generator = self.experiment.load_generator(self.system, seed)
                stages = Stages(*parts, generator, pool=self._pool, first=self.first(seed))
            save_pools(run_pools(posts, stages), path)

        name = f"seed-{seed}/llm-pools/{split}-{'llm' if judged else 'none'}.safetensors"
        return load_pools(self.experiment.store.made(name, make))

    def first(self, seed: int) -> TreeRanker:
        """Trees without a generator that have not seen the posts which the LLM judges."""
        found = self.pools(HELD, seed, judged=False)
        others = between(found, self._judged, len(found.sizes))
        return self._fitted("first", WITHOUT, [others], self.pools(RANKING, seed, judged=False), seed)

    def ranker(self, variant: Variant, seed: int) -> TreeRanker:
        """Trees that learn from all held-out posts without the LLM and, but for `WITHOUT`, from some with it."""
        judged = variant != WITHOUT
        learned = [self.pools(HELD, seed, judged=False)] + ([self.pools(HELD, seed, judged=True)] if judged else [])
        return self._fitted(variant.key, variant, learned, self.pools(RANKING, seed, judged), seed)

    def _fitted(
        self, key: str, variant: Variant, learned: Sequence[Pools], calibration: Pools, seed: int
    ) -> TreeRanker:
        def make(path: Path) -> None:
            train = joined([columns(variant.view(pools), variant.features) for pools in learned])
            told = columns(variant.view(calibration), variant.features)
            fit_ranker(train, told, self.recipe, seed).save_pretrained(path)

        settings = digest([asdict(self.recipe)])[:8]
        return TreeRanker.from_folder(self.experiment.store.made(f"seed-{seed}/llm-rankers/{key}-{settings}", make))

    def answers(self, variant: Variant, seed: int) -> list[Answer]:
        """What a ranker answers to each post of the sample."""
        pools = variant.view(self.pools(SAMPLE, seed, judged=variant != WITHOUT))
        return ranked_answers(pools, self.ranker(variant, seed).probabilities(pools.values, pools.names))


def llm_fusion_table(report: Report) -> str:
    """The ranker with and without the LLM, beside what each says alone; returns the table in Markdown."""
    rankers = LlmRankers(report.experiment, report.experiment.whole_validation)
    name, experiment = rankers.llm.name, report.experiment
    rows = llm_rows(name)
    shown: dict[str, Callable[[int], list[Answer]]] = {
        rows[key].name: partial(experiment.answers, rows[key], split=SAMPLE) for key in (NO_GENERATOR, "right")
    }
    for variant in (WITHOUT, WITH, *PARTS):
        shown[variant.name.format(name)] = partial(rankers.answers, variant)
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
