"""The table and the figure of emergent hashtags: what each system finds of them, beside those seen in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, NamedTuple

from reproduction.analysis.emergent import (
    EMERGENT_STRATUM,
    F1_AT_1,
    FEW_USES,
    FIRST_USE,
    MANY_USES,
    RECALL_AT_5,
    SEEN_STRATUM,
    STRATA,
    GoldOf,
    gold_kinds,
    gold_of,
    recall_share,
    stratum_statistics,
    time_bins,
)
from reproduction.analysis.figures import stream_figure
from reproduction.analysis.seeds import mean_and_deviation
from reproduction.analysis.significance import compare_all, mean_over_seeds
from reproduction.analysis.tables import not_run_notes
from reproduction.rankers import Variant
from reproduction.report import Report
from reproduction.stream import StreamExperiment
from right_hf.evaluation import Answer, percent
from right_hf.metrics import PerPost
from right_hf.times import seconds

#: Gold that no training post has at all, those included that the protocol leaves out.
_NEW_STRATUM = "in no training post of the data"
_PIECES = 16
_RANKED = Variant("ranked", "ranked")
#: Rows, by name.
NEIGHBOURS, STATIC_NEIGHBOURS = "nearest neighbours vote, living", "nearest neighbours vote, static"
POPULAR_NOW = "most used in the last hours"
SEQ2SEQ, SEQ2SEQ_BEAMS = "Seq2Seq, static", "Seq2Seq, static, 5 beams"
RIGHT_STATIC, RIGHT_STATIC_RANKED = "RIGHT, static", "RIGHT, static, ranked"
RIGHT_LIVING, RIGHT_LIVING_RANKED = "RIGHT, living", "RIGHT, living, ranked"
ORACLE = "oracle: gold in the living pool first"
#: What the living rows are compared with.
_BASELINES = (SEQ2SEQ, SEQ2SEQ_BEAMS, RIGHT_STATIC, RIGHT_STATIC_RANKED, NEIGHBOURS)
_DRAWN = (NEIGHBOURS, SEQ2SEQ, RIGHT_STATIC, RIGHT_STATIC_RANKED, RIGHT_LIVING, RIGHT_LIVING_RANKED)
_ABLATIONS = (
    Variant("no-popularity", "- popularity", ("popularity_",)),
    Variant("no-generator", "- generator", ("generator_",)),
    Variant("no-mentions", "- hashtags in the text", ("mention_",)),
    Variant("known", "- unknown hashtags", unknown=False),
)


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        answers: Makes its answers to all posts of the stream, with a seed.
        seeded: Whether they depend on the seed.
    """

    answers: Callable[[int], list[Answer]]
    seeded: bool = True


def stream_rows(stream: StreamExperiment) -> dict[str, Row]:
    """The rows by name, in the order shown."""
    rows = {
        STATIC_NEIGHBOURS: Row(lambda seed: stream.votes("static"), False),
        NEIGHBOURS: Row(lambda seed: stream.votes("living"), False),
        POPULAR_NOW: Row(lambda seed: stream.popular(), False),
        SEQ2SEQ: Row(stream.seq2seq),
        SEQ2SEQ_BEAMS: Row(lambda seed: stream.seq2seq(seed, beams=5)),
        RIGHT_STATIC: Row(lambda seed: stream.written(seed, "static")),
        RIGHT_STATIC_RANKED: Row(lambda seed: stream.ranked(seed, "static", _RANKED)),
        RIGHT_LIVING: Row(lambda seed: stream.written(seed, "living")),
        RIGHT_LIVING_RANKED: Row(lambda seed: stream.ranked(seed, "living", _RANKED)),
    }
    for variant in _ABLATIONS:
        rows[variant.name] = Row(lambda seed, variant=variant: stream.ranked(seed, "living", variant))  # type: ignore[misc]
    return {**rows, ORACLE: Row(lambda seed: stream.oracle(seed, "living"))}


class Part(NamedTuple):
    """A stretch of the stream on which systems are scored.

    Attributes:
        rows: Its first post, and the one after its last.
        kinds: Kinds of the gold of its posts, see [`gold_kinds`]; of what came before the stretch, too.
        new: The same, of hashtags that no training post of the data has.
    """

    rows: slice
    kinds: list[dict[str, str]]
    new: list[dict[str, str]]

    def strata(self) -> dict[str, GoldOf]:
        """The gold of each stratum; only of those that there are."""
        found = {name: gold_of(self.kinds, wanted) for name, wanted in STRATA.items()}
        found[_NEW_STRATUM] = gold_of(self.new, STRATA[EMERGENT_STRATUM])
        return {name: stratum for name, stratum in found.items() if len(stratum.rows)}


def stream_table(report: Report) -> str:
    """Recall@5 and F1@1 on emergent and on seen hashtags, with a figure over time; returns the table in Markdown."""
    experiment = report.experiment
    stream = StreamExperiment(experiment)
    posts, border = stream.stream
    kinds = gold_kinds(posts, {hashtag for post in experiment.posts["train"] for hashtag in post.hashtags})
    new = gold_kinds(posts, experiment.training_hashtags())
    stretches = {"test": slice(border, len(posts)), "validation": slice(0, border)}
    parts = {name: Part(rows, kinds[rows], new[rows]) for name, rows in stretches.items()}
    rows: dict[str, Any] = {}
    runs: dict[str, list[list[list[str]]]] = {}
    shown = stream_rows(stream)
    report.check_rows(shown)
    for name, row in shown.items():
        if reason := report.skipped(name):
            rows[name] = {"not_run": reason}
            continue
        seeds = experiment.plan.seeds if row.seeded else experiment.plan.seeds[:1]
        runs[name] = [[answer.ranking for answer in row.answers(seed)] for seed in seeds]
    means = {name: _means(found, parts["test"]) for name, found in runs.items()}
    for name, found in runs.items():
        rows[name] = {part: _scores(found, stretch) for part, stretch in parts.items()}
        if name in (RIGHT_LIVING, RIGHT_LIVING_RANKED):
            compared = compare_all(means[name], {other: means[other] for other in _BASELINES if other in means})
            rows[name]["against"] = {
                other: {metric: difference.to_dict() for metric, difference in metrics.items()}
                for other, metrics in compared.items()
            }
    pieces = [_piece(posts, kinds, first, last, runs) for first, last in time_bins(len(posts), _PIECES)]
    drawn = [{**piece, RECALL_AT_5: _only_drawn(piece[RECALL_AT_5])} for piece in pieces]
    if runs.keys() & set(_DRAWN):
        stream_figure(
            report.folder / "emergent.png", [SEEN_STRATUM, EMERGENT_STRATUM], drawn, _iso(posts[border].created_at)
        )
    counts = {
        part: {name: sum(map(len, stratum.gold)) for name, stratum in stretch.strata().items()}
        for part, stretch in parts.items()
    }
    lengths = {part: stretch.rows.stop - stretch.rows.start for part, stretch in parts.items()}
    result = {"stream_posts": lengths, "gold": counts, "rows": rows, "pieces": pieces, "ranker": asdict(stream.recipe)}
    return report.write("emergent", _markdown(rows, counts, lengths), result)


def _statistics(rankings: Sequence[Sequence[str]], part: Part) -> dict[str, dict[str, PerPost]]:
    shown = rankings[part.rows]
    return {name: stratum_statistics(shown, stratum) for name, stratum in part.strata().items()}


def _means(runs: Sequence[Sequence[Sequence[str]]], part: Part) -> dict[str, PerPost]:
    """Of each metric what each post with emergent gold adds, averaged over the seeds."""
    found = [_statistics(rankings, part).get(EMERGENT_STRATUM, {}) for rankings in runs]
    return {metric: mean_over_seeds([run[metric] for run in found]) for metric in found[0]}


def _scores(runs: Sequence[Sequence[Sequence[str]]], part: Part) -> dict[str, Any]:
    """Of each stratum the scores of each seed in percent; and the share of the two recalls."""
    found = [_statistics(rankings, part) for rankings in runs]
    scores: dict[str, Any] = {}
    for name in found[0]:
        seeds = [percent(run[name]) for run in found]
        scores[name] = {metric: [seed[metric] for seed in seeds] for metric in seeds[0]}
    try:
        share = recall_share([rankings[part.rows] for rankings in runs], part.kinds)
    except ValueError:  # a system that finds nothing
        return scores
    return {**scores, "share": {name: round(100 * value, 1) for name, value in share._asdict().items()}}


def _piece(
    posts: Sequence[Any],
    kinds: Sequence[Mapping[str, str]],
    first: int,
    last: int,
    runs: Mapping[str, Sequence[Sequence[Sequence[str]]]],
) -> dict[str, Any]:
    """Recall@5 of each system on a piece of the stream, averaged over the seeds."""
    recalls: dict[str, dict[str, float | None]] = {}
    for name in (SEEN_STRATUM, EMERGENT_STRATUM):
        stratum = gold_of(kinds[first:last], STRATA[name])
        recalls[name] = {
            system: mean_and_deviation(
                [percent(stratum_statistics(run[first:last], stratum))[RECALL_AT_5] for run in found]
            )[0]
            if len(stratum.rows)
            else None
            for system, found in runs.items()
        }
    times = {"from": posts[first], "middle": posts[(first + last) // 2], "to": posts[last - 1]}
    return {
        **{name: _iso(post.created_at) for name, post in times.items()},
        "posts": last - first,
        RECALL_AT_5: recalls,
    }


def _only_drawn(recalls: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float | None]]:
    return {
        stratum: {system: systems[system] for system in _DRAWN if system in systems}
        for stratum, systems in recalls.items()
    }


def _iso(time: str | None) -> str:
    return datetime.fromtimestamp(seconds(time) or 0.0, tz=timezone.utc).isoformat()


_NOTE = (
    "Percent; mean ± standard deviation over the seeds. R@5: gold hashtags among the first five, of all gold of the "
    "kind. F1@1: over the posts that have such gold, other gold not counted. Emergent: in no training post of the "
    "systems; by the number of earlier posts of the stream that carry it. New to the data: in no training post at "
    "all, those included that the protocol leaves out. Share: emergent R@5 / seen R@5, with a 95 % interval over the "
    "posts. Each post is answered before it joins the living corpus; nothing is trained on the way. Rankers of test "
    "posts are fitted on validation posts, those of validation posts on the other half of them."
)
#: Columns of the table: title, stratum and metric.
_COLUMNS = (
    ("seen R@5", SEEN_STRATUM, RECALL_AT_5),
    ("seen F1@1", SEEN_STRATUM, F1_AT_1),
    ("emergent R@5", EMERGENT_STRATUM, RECALL_AT_5),
    ("emergent F1@1", EMERGENT_STRATUM, F1_AT_1),
    ("first use R@5", f"{EMERGENT_STRATUM}, {FIRST_USE}", RECALL_AT_5),
    ("1-4 uses R@5", f"{EMERGENT_STRATUM}, {FEW_USES}", RECALL_AT_5),
    ("5+ uses R@5", f"{EMERGENT_STRATUM}, {MANY_USES}", RECALL_AT_5),
    ("new to the data R@5", _NEW_STRATUM, RECALL_AT_5),
)


def _markdown(rows: Mapping[str, Any], counts: Mapping[str, Mapping[str, int]], lengths: Mapping[str, int]) -> str:
    """A table of each stretch."""
    blocks = []
    for part in lengths:
        lines = [
            f"| {part} | seeds | {' | '.join(title for title, *_ in _COLUMNS)} | share |",
            f"|---|---:|{'---:|' * len(_COLUMNS)}---:|",
        ]
        lines += [f"| {name} | {_cells(row[part])} |" for name, row in rows.items() if "not_run" not in row]
        gold = "; ".join(f"{count:,} {name}" for name, count in counts[part].items())
        blocks += ["\n".join(lines), f"{part.capitalize()}: {lengths[part]:,} posts; gold hashtags: {gold}."]
    return "\n\n".join([*blocks, *not_run_notes(rows), _NOTE])


def _cells(scores: Mapping[str, Any]) -> str:
    cells = [str(len(next(iter(scores.values()))[RECALL_AT_5]))]
    for _, stratum, metric in _COLUMNS:
        if stratum not in scores:
            cells.append("")
            continue
        mean, deviation = mean_and_deviation(scores[stratum][metric])
        cells.append(f"{mean:.1f}" if deviation is None else f"{mean:.1f} ± {deviation:.1f}")
    share = scores.get("share")
    cells.append(f"{share['share']:.0f} ({share['low']:.0f} to {share['high']:.0f})" if share else "")
    return " | ".join(cells)
