"""The paper's tables in Markdown: scores over seeds, p-values and the paper's own numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from reproduction.analysis.paper import METRICS
from reproduction.analysis.seeds import mean_and_deviation
from right_hf.evaluation import TITLES
from right_hf.metrics.rouge import Definition

_TESTED = ("f1@1", "f1@5")


def results_table(
    rows: Mapping[str, Mapping[str, Any]],
    baselines: Sequence[str],
    paper: Mapping[str, Mapping[str, float]] | None = None,
    paper_data: str = "THG",
    definition: Definition = "rouge",
) -> str:
    """The paper's Table 3 or 4 in Markdown: scores over the seeds, p against baselines, the paper's numbers.

    Args:
        rows: By system, in the order shown, either `{"scores": {metric: [percent of each seed]}}`, with p-values in
            `"against": {baseline: {metric: {"p": …}}}` (see [`reproduction.analysis.significance.Comparison`]), or
            `{"not_run": reason}`.
        baselines: The systems whose p-values are shown, each in a column of its own.
        paper: The paper's numbers by system and metric, such as `paper.TABLE_3["THG"]`; without it no such column.
        paper_data: The paper's data set they are of.
        definition: The ROUGE definition whose scores are shown.

    Returns:
        The table, a note on how to read it, and the rows that were not run with the reason. Of these only those that
        the paper has numbers of stand in the table.

    Raises:
        ValueError: A row has neither scores nor a reason, or lacks a metric.
    """
    for system, row in rows.items():
        _check_row(system, row, definition)
    best = _best(rows, definition)
    header = ["system", "seeds", *TITLES.values(), *(f"p against {baseline}" for baseline in baselines)]
    table = [header + ([f"paper, {paper_data}"] if paper is not None else [])]
    for system, row in rows.items():
        numbers = (paper or {}).get(system, {})
        if "scores" in row or numbers:
            cells = _measured(row, baselines, best, definition)
            table.append([system, *cells] + ([_paper_cell(numbers)] if paper is not None else []))
    return "\n\n".join([_aligned(table), _note(definition, paper is not None), *not_run_notes(rows)])


def validation_table(scores: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Mean F1@1 and F1@5 of systems on validation in Markdown, from their scores in percent with each seed."""
    lines = ["| on validation | F1@1 | F1@5 |", "|---|---:|---:|"]
    for system, runs in scores.items():
        means = [fmean(run[metric] for run in runs) for metric in ("f1@1", "f1@5")]
        lines.append(f"| {system} | {means[0]:.2f} | {means[1]:.2f} |")
    return "\n".join(lines)


def not_run_notes(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each reason why rows (see [`results_table`]) were not run, with their names."""
    systems: dict[str, list[str]] = {}
    for system, row in rows.items():
        if "not_run" in row:
            systems.setdefault(row["not_run"], []).append(system)
    return [f"Not run, {reason}: {'; '.join(names)}." for reason, names in systems.items()]


def _key(metric: str, definition: Definition) -> str:
    return metric.replace("rouge", definition)


def _check_row(system: str, row: Mapping[str, Any], definition: Definition) -> None:
    if ("scores" in row) == ("not_run" in row):
        raise ValueError(f"{system}: expected either scores or the reason why it was not run, got {sorted(row)}.")
    missing = [key for metric in TITLES if not row.get("scores", {}).get(key := _key(metric, definition))]
    if "scores" in row and missing:
        raise ValueError(f"{system}: no scores of {', '.join(missing)}. Score its answers in every metric.")


def _best(rows: Mapping[str, Mapping[str, Any]], definition: Definition) -> dict[str, float]:
    """The best mean of each metric, as printed."""
    run = [row["scores"] for row in rows.values() if "scores" in row]
    keys = [_key(metric, definition) for metric in TITLES]
    return {key: max(round(mean_and_deviation(scores[key])[0], 2) for scores in run) for key in keys} if run else {}


def _measured(
    row: Mapping[str, Any], baselines: Sequence[str], best: Mapping[str, float], definition: Definition
) -> list[str]:
    if "not_run" in row:
        return ["", "not run", *[""] * (len(TITLES) - 1 + len(baselines))]
    cells = []
    for metric in TITLES:
        key = _key(metric, definition)
        mean, deviation = mean_and_deviation(row["scores"][key])
        number = f"**{mean:.2f}**" if round(mean, 2) == best[key] else f"{mean:.2f}"
        cells.append(number if deviation is None else f"{number} ± {deviation:.2f}")
    compared = [row.get("against", {}).get(baseline, {}) for baseline in baselines]
    tests = [
        " / ".join(_p_text(against[metric]["p"]) for metric in _TESTED if metric in against) for against in compared
    ]
    return [str(len(row["scores"]["f1@1"])), *cells, *tests]


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _paper_cell(numbers: Mapping[str, float]) -> str:
    return " / ".join(f"{numbers[metric]:.2f}" for metric in METRICS if metric in numbers)


def _note(definition: Definition, with_paper: bool) -> str:
    """The same for every table of its kind, so that it need stand only once below several."""
    note = (
        "Percent; mean ± standard deviation over the seeds, best in bold. ROUGE is F in the definition of the package "
        f"`{definition}`. p: two-sided paired bootstrap over the posts, seeds averaged, of the difference from the "
        "system that the column names, in F1@1 / F1@5."
    )
    if with_paper:
        note += (
            " The last column holds the paper's own numbers in the order of the columns: other data and other base "
            "models, not comparable with the rest of the row."
        )
    return note


def _aligned(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "| "
        + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(pairs))
        + " |"
        for pairs in (list(zip(row, widths, strict=True)) for row in table)
    ]
    rule = "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":" for i, width in enumerate(widths))
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def strata_table(result: Mapping[str, Any], names: Sequence[str], metric: str = "f1@1") -> str:
    """One metric of some systems on each kind of posts, of what [`score_strata`] gave, in Markdown."""
    lines = [f"| {result['title']} | posts |" + "".join(f" {name} |" for name in names)]
    lines += ["|---|---:|" + "---:|" * len(names)]
    for kind, found in result["strata"].items():
        scores = (found["scores"][name][metric] for name in names)
        lines.append(f"| {kind} | {found['posts']:,} |" + "".join(f" {score:.2f} |" for score in scores))
    return "\n".join(lines)
