"""Figures of the results, as PNG or SVG files whose bytes depend on the results alone (and matplotlib's version)."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from reproduction.analysis.seeds import mean_and_deviation
from right_hf.persistence import atomic_file

#: Colours that people with colour-blindness tell apart (Okabe and Ito 2008, Color universal design).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
_MARKERS = "osD^vPX*"
_HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--")
_LABELS = {"rouge1": "ROUGE-1 (%)", "f1@1": "F1@1 (%)", "f1@5": "F1@5 (%)"}
#: What must not stand in a file, by its ending: a date or a version would make equal figures differ.
_METADATA: dict[str, dict[str, Any]] = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}


def hashtag_count_figure(
    path: str | Path,
    results: Mapping[str, Mapping[Any, Mapping[str, Sequence[float]]]],
    baseline: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    baseline_name: str = "Seq2Seq",
) -> None:
    """The paper's Figure 3: scores by the number k of hashtags in the generator's input, with F1@1 in a second panel.

    Args:
        path: File ending in .png or .svg; replaced in one step.
        results: By data set, then by k (an int, or as JSON has it a string), the scores in percent of each seed:
            `{"tweets-en": {1: {"rouge1": [30.1, 30.4], "f1@1": […]}, 3: …}}`. Bars show the standard deviation.
        baseline: Scores of a system without any of these hashtags, by data set; drawn as a dashed line.
        baseline_name: Its name.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: There are no results, more data sets than can be told apart, or the file has another ending.
    """
    _check(path, results, len(results))
    with _drawing(path, 9, 3.8) as figure:
        for metric, axes in zip(("rouge1", "f1@1"), figure.subplots(1, 2), strict=True):
            for (data, by_k), colour, marker in zip(results.items(), _COLOURS, _MARKERS, strict=False):
                points = sorted((int(k), *mean_and_deviation(scores[metric])) for k, scores in by_k.items())
                ks, means = [k for k, *_ in points], [mean for _, mean, _ in points]
                deviations = [deviation or 0.0 for *_, deviation in points]
                axes.errorbar(ks, means, deviations, color=colour, marker=marker, capsize=3, label=data)
                if baseline and data in baseline:
                    level = mean_and_deviation(baseline[data][metric])[0]
                    axes.axhline(level, color=colour, linestyle="--", linewidth=1, label=f"{data}, {baseline_name}")
            axes.set_xticks(sorted({int(k) for by_k in results.values() for k in by_k}))
            axes.set_xlabel("hashtags in the input, k")
            axes.set_ylabel(_LABELS[metric])


def strata_figure(path: str | Path, strata: Mapping[str, Any], metric: str = "f1@1") -> None:
    """Bars of each system's score for each kind of posts.

    Args:
        path: File ending in .png or .svg; replaced in one step.
        strata: What [`reproduction.analysis.strata.score_strata`] returns.
        metric: The score shown.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: There are no kinds, more systems than can be told apart, or the file has another ending.
    """
    kinds = strata["strata"]
    systems = list(next(iter(kinds.values()), {"scores": ()})["scores"])
    _check(path, kinds, len(systems))
    size = max(5.0, 0.28 * len(kinds) * (len(systems) + 1) + 2), 3.8
    width = 0.8 / len(systems)
    with _drawing(path, *size) as figure:
        axes = figure.subplots()
        for i, (system, colour, hatch) in enumerate(zip(systems, _COLOURS, _HATCHES, strict=False)):
            places = [place + (i - (len(systems) - 1) / 2) * width for place in range(len(kinds))]
            heights = [kind["scores"][system][metric] for kind in kinds.values()]
            axes.bar(places, heights, width, color=colour, hatch=hatch, edgecolor="white", linewidth=0.5, label=system)
        axes.set_xticks(range(len(kinds)), [f"{name}\n({kind['posts']:,} posts)" for name, kind in kinds.items()])
        axes.set_xlabel(strata["title"])
        axes.set_ylabel(_LABELS.get(metric, f"{metric} (%)"))


def stream_figure(path: str | Path, strata: Sequence[str], pieces: Sequence[Mapping[str, Any]], border: str) -> None:
    """Recall@5 over the pieces of a stream of posts, with a panel for each kind of gold hashtags.

    Args:
        path: File ending in .png or .svg; replaced in one step.
        strata: The kinds, one a panel.
        pieces: In order of time, each `{"middle": ISO time, "recall@5": {stratum: {system: percent, or None where a
            piece has no such gold}}}`, with the same systems in all.
        border: ISO time from which on nothing was chosen on the posts; drawn as a line.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: There are no pieces, more systems than can be told apart, or the file has another ending.
    """
    systems = list(pieces[0]["recall@5"][strata[0]]) if pieces and strata else []
    _check(path, pieces, len(systems))
    times = [datetime.fromisoformat(piece["middle"]) for piece in pieces]
    with _drawing(path, 5.5 * len(strata), 4.2) as figure:
        panels = figure.subplots(1, len(strata), sharey=True, squeeze=False)[0]
        for axes, stratum in zip(panels, strata, strict=True):
            for system, colour, marker in zip(systems, _COLOURS, _MARKERS, strict=False):
                scores = [piece["recall@5"][stratum][system] for piece in pieces]
                heights = [math.nan if score is None else score for score in scores]
                axes.plot(times, heights, color=colour, marker=marker, markersize=4, linewidth=1.2, label=system)
            axes.axvline(datetime.fromisoformat(border), color="0.6", linestyle=":", linewidth=1)
            axes.tick_params(axis="x", rotation=30)
            axes.set_title(f"gold hashtags {stratum}", fontsize="medium")
        panels[0].set_ylabel("recall@5 (%)")


def _check(path: str | Path, results: Collection[Any], series: int) -> None:
    if Path(path).suffix not in _METADATA:
        raise ValueError(f"Got {Path(path).name}; expected a file ending in {' or '.join(_METADATA)}.")
    if not results or not series:
        raise ValueError("Got no results to draw. Run the systems first.")
    if series > len(_COLOURS):
        raise ValueError(f"Got {series} series; at most {len(_COLOURS)} can be told apart. Leave some out.")


@contextmanager
def _drawing(path: str | Path, width: float, height: float) -> Iterator[Any]:
    """Gives an empty figure of a size in inches, and finishes and writes it when the block ends without an error.

    It needs no window, and neither reads nor leaves behind global settings of matplotlib, the user's included.
    """
    try:
        import matplotlib.style
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("Figures need matplotlib: pip install right_hf[train]") from error
    with matplotlib.style.context({"svg.hashsalt": "right_hf"}, after_reset=True):
        figure = Figure((width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        for axes in figure.axes:
            axes.grid(axis="y", color="0.9")
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False)
        with atomic_file(path) as scratch:
            figure.savefig(scratch, dpi=150, metadata=_METADATA[Path(path).suffix])
