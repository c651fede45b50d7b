"""The table of what lies past the paper: the ranker beside paper-faithful RIGHT, and without each of its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from reproduction.analysis.tables import results_table, validation_table
from reproduction.rankers import ABLATIONS, RANKING, WHOLE, RankerExperiment
from reproduction.report import Report
from reproduction.systems import TRAINED
from right_hf.evaluation import Answer, Statistics, answer_statistics, percent

#: Rows beside the ranker.
HYBRID, LINEAR, ORACLE = "RIGHT, hybrid retriever", "linear fusion", "oracle: gold in the pool first"
#: What makes the answers of a row, from a seed and a split.
Answers = Callable[[int, str], list[Answer]]


def fusion_rows(rankers: RankerExperiment) -> dict[str, Answers]:
    """What makes the answers of each row, by its name; first RIGHT's own, to which the others are compared."""
    whole = rankers.system()
    rows: dict[str, Answers] = {
        whole.name: partial(rankers.experiment.answers, whole),
        HYBRID: rankers.written,
        LINEAR: rankers.linear,
    }
    for variant in (WHOLE, *ABLATIONS):
        rows[variant.name] = partial(rankers.answers, variant)
    for trained in rankers.experiment.plan.generators:
        variant = WHOLE._replace(name=TRAINED.format(WHOLE.name, trained), trained=trained)
        rows[variant.name] = partial(rankers.answers, variant)
    return {**rows, ORACLE: rankers.oracle}


def fusion_table(report: Report) -> str:
    """The ranker and its ablations against RIGHT with the same generator; returns the table in Markdown."""
    rankers = RankerExperiment(report.experiment, report.experiment.whole_validation)
    shown = fusion_rows(rankers)
    rows, means = report.scored_rows({name: partial(_runs, report, found, "test") for name, found in shown.items()})
    validation = {name: [percent(run) for run in _runs(report, shown[name], RANKING)] for name in means}
    baseline = next(iter(rows))
    for name in means:
        others = {baseline, WHOLE.name} & means.keys() - {name, ORACLE}
        report.compare(rows, means, name, {other: means[other] for other in sorted(others)})
    result = {
        "rows": rows,
        "validation": validation,
        "calibration": calibration(rankers, report.experiment.plan.seeds[0]) if WHOLE.name in means else [],
        "ranker": asdict(rankers.recipe),
    }
    table = results_table(rows, [baseline, WHOLE.name])
    return report.write("fusion", f"{table}\n\n{validation_table(validation)}", result)


def _runs(report: Report, answers: Answers, split: str) -> list[Statistics]:
    """The statistics of a row on a split, with each seed."""
    posts = report.experiment.posts[split]
    return [answer_statistics(answers(seed, split), posts, report.language) for seed in report.experiment.plan.seeds]


def calibration(rankers: RankerExperiment, seed: int) -> list[dict[str, Any]]:
    """How often hashtags are gold whose score lies in each tenth of [0, 1], on the test posts, with one seed."""
    bins = np.linspace(0, 1, 11)
    bins = np.linspace(0, 1, 11)
    pools = WHOLE.view(rankers.pools("test", seed))
    scores = np.asarray(rankers.ranker(WHOLE, seed).probabilities(pools.values, pools.names))
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
