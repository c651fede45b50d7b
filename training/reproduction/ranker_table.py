"""The table of what lies past the paper: the ranker beside paper-faithful RIGHT, and without each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from right_hf.evaluation import Answer, answer_statistics, results_table, validation_table
from reproduction.analysis.paper import SIMCSE
from right_hf.evaluation.scores import percent
from right_hf.metrics import PerPost, mean_over_seeds
from reproduction.cotraining import Cotraining
from reproduction.rankers import ABLATIONS, RANKING, WHOLE, FusionExperiment
from reproduction.systems import TABLE_3, TRAINED, ablations

if TYPE_CHECKING:
    from reproduction.tables import Report

#: Rows beside the ranker.
HYBRID, LINEAR, ORACLE = "RIGHT, hybrid retriever", "linear fusion", "oracle: gold in the pool first"
SELECTOR, COTRAINED = "selector's ranking", "{}, co-trained"
COTRAINED_BOTH = "selector's ranking, co-trained with retriever"
#: What makes the answers of a row, from a seed and a split.
Answers = Callable[[int, str], list[Answer]]
#: What a co-trained part was before.
_BEFORE = {
    COTRAINED.format(SELECTOR): SELECTOR,
    COTRAINED_BOTH: SELECTOR,
    COTRAINED.format(SIMCSE): SIMCSE,
}


def fusion_rows(fusion: FusionExperiment) -> dict[str, Answers]:
    """What makes the answers of each row, by its name; first RIGHT's own, to which the others are compared."""
    whole = fusion.system()
    rows: dict[str, Answers] = {
        whole.name: partial(fusion.experiment.answers, whole),
        HYBRID: fusion.written,
        LINEAR: fusion.linear,
    }
    for variant in (WHOLE, *ABLATIONS):
        rows[variant.name] = partial(fusion.answers, variant)
    for trained in fusion.experiment.plan.generators:
        variant = WHOLE._replace(name=TRAINED.format(WHOLE.name, trained), trained=trained)
        rows[variant.name] = partial(fusion.answers, variant)
    if fusion.experiment.plan.cotraining is not None:
        rows |= cotraining_rows(fusion)
    return {**rows, ORACLE: fusion.oracle}


def cotraining_rows(fusion: FusionExperiment) -> dict[str, Answers]:
    """Selector and dense retriever before and after co-training, and the same generator beside their hashtags."""
    experiment, cotraining = fusion.experiment, Cotraining(fusion)
    ranking = ablations(experiment.best_retriever)[-1]
    votes = next(row for row in TABLE_3 if row.name == SIMCSE)

    def ranked(seed: int, split: str) -> list[Answer]:
        return [Answer(found[:5], found[:1]) for found in experiment.hashtags(ranking, seed, split)]

    return {
        SELECTOR: ranked,
        COTRAINED.format(SELECTOR): cotraining.ranking,
        COTRAINED_BOTH: cotraining.both,
        SIMCSE: lambda seed, split: experiment.answers(votes, seed, split),
        COTRAINED.format(SIMCSE): cotraining.votes,
        COTRAINED.format("RIGHT"): cotraining.written,
    }


def fusion_table(report: Report) -> str:
    """The ranker and its ablations against RIGHT with the same generator; returns the table in Markdown."""
    fusion = FusionExperiment(report.experiment, report.experiment.whole_validation)
    rows: dict[str, Any] = {}
    means: dict[str, dict[str, PerPost]] = {}
    validation: dict[str, list[dict[str, float]]] = {}
    shown = fusion_rows(fusion)
    report.check_rows(shown)
    for name, answers in shown.items():
        if reason := report.skipped(name):
            rows[name] = {"not_run": reason}
            continue
        runs = [_statistics(report, answers, seed, "test") for seed in report.experiment.plan.seeds]
        scores = [percent(run) for run in runs]
        rows[name] = {"scores": {metric: [score[metric] for score in scores] for metric in scores[0]}}
        means[name] = {metric: mean_over_seeds([run[metric] for run in runs]) for metric in runs[0]}
        seeds = report.experiment.plan.seeds
        validation[name] = [percent(_statistics(report, answers, seed, RANKING)) for seed in seeds]
    baseline = next(iter(rows))
    for name in means:
        others = {baseline, WHOLE.name, _BEFORE.get(name, baseline)} & means.keys() - {name, ORACLE}
        report.compare(rows, means, name, {other: means[other] for other in sorted(others)})
    result = {
        "rows": rows,
        "validation": validation,
        "calibration": calibration(fusion, report.experiment.plan.seeds[0]) if WHOLE.name in means else [],
        "ranker": vars(fusion.recipe),
    }
    table = results_table(rows, [baseline, WHOLE.name])
    return report.write("fusion", f"{table}\n\n{validation_table(validation)}", result)


def _statistics(report: Report, answers: Answers, seed: int, split: str) -> dict[str, PerPost]:
    return answer_statistics(answers(seed, split), report.experiment.posts[split], report.language)


def calibration(fusion: FusionExperiment, seed: int, bins: Sequence[float] = tuple(np.linspace(0, 1, 11))) -> list[Any]:
    """How often hashtags are gold whose score lies in each tenth of [0, 1], on the test posts, with one seed."""
    pools = WHOLE.view(fusion.pools("test", seed))
    scores = np.asarray(fusion.ranker(WHOLE, seed).probabilities(pools.values))
    owner = np.clip(np.digitize(scores, bins[1:-1]), 0, len(bins) - 2)
    return [
        {
            "from": round(float(bins[tenth]), 2),
            "hashtags": int((owner == tenth).sum()),
            "score": round(float(scores[owner == tenth].mean()), 4),
            "gold": round(float(pools.gold[owner == tenth].mean()), 4),
        }
        for tenth in range(len(bins) - 1)
        if (owner == tenth).any()
    ]
