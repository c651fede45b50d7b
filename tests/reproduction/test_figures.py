from __future__ import annotations

import math
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from reproduction.analysis.figures import hashtag_count_figure, strata_figure, stream_figure

BY_K: dict[str, Any] = {
    "tweets-en": {k: {"rouge1": [30.0 + k, 31.0 + k], "f1@1": [20.0, 21.0]} for k in (1, 3, 5, 7, 9)},
    "weibo-zh": {"9": {"rouge1": [41.0], "f1@1": [31.0]}, "1": {"rouge1": [40.0], "f1@1": [30.0]}},
}
BASELINE = {"tweets-en": {"rouge1": [29.0], "f1@1": [21.5]}}
STRATA: dict[str, Any] = {
    "title": "gold hashtags seen in training",
    "strata": {
        "all": {"posts": 1200, "scores": {"BM25": {"f1@1": 30.0}, "RIGHT": {"f1@1": 40.0}}},
        "none": {"posts": 300, "scores": {"BM25": {"f1@1": 0.0}, "RIGHT": {"f1@1": 5.0}}},
    },
}
PIECES: list[dict[str, Any]] = [
    {
        "middle": f"2020-0{month}-15T00:00:00+00:00",
        "recall@5": {"seen": {"BM25": 50.0, "RIGHT": 60.0 + month}, "never seen": {"BM25": None, "RIGHT": 5.0 * month}},
    }
    for month in (1, 2, 3)
]
DRAW: list[Callable[[Path], None]] = [
    lambda path: hashtag_count_figure(path, BY_K, BASELINE),
    lambda path: strata_figure(path, STRATA),
    lambda path: stream_figure(path, ["seen", "never seen"], PIECES, "2020-02-01T00:00:00+00:00"),
]

matplotlib = pytest.importorskip("matplotlib")


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize(("name", "start"), [("figure.png", b"\x89PNG\r\n"), ("figure.svg", b"<?xml")])
def test_equal_results_are_equal_files(draw: Callable[[Path], None], name: str, start: bytes, tmp_path: Path) -> None:
    draw(tmp_path / name)
    first = (tmp_path / name).read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):  # a user's own settings do not matter
        draw(tmp_path / name)
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / name).read_bytes() == first
    assert first.startswith(start)
    assert b"Matplotlib" not in first and b"dc:date" not in first
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_other_results_are_another_file(tmp_path: Path) -> None:
    strata_figure(tmp_path / "a.svg", STRATA)
    other = {**STRATA, "title": "word overlap"}
    strata_figure(tmp_path / "b.svg", other)
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


@pytest.fixture
def axes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The panels of the figures that the test draws."""
    from matplotlib.figure import Figure

    drawn: list[Any] = []
    save = Figure.savefig

    def remember(self: Figure, *args: Any, **kwargs: Any) -> None:
        drawn.extend(self.axes)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", remember)
    return drawn


def test_the_figure_shows_the_means_by_k(axes: list[Any], tmp_path: Path) -> None:
    hashtag_count_figure(tmp_path / "figure.png", BY_K, BASELINE)
    rouge, f1 = axes
    assert rouge.get_ylabel() == "ROUGE-1 (%)" and f1.get_ylabel() == "F1@1 (%)"
    assert [axis.get_xlabel() for axis in axes] == ["hashtags in the input, k"] * 2
    assert rouge.get_xticks().tolist() == [1, 3, 5, 7, 9]
    lines = dict(zip(*reversed(rouge.get_legend_handles_labels()), strict=True))
    assert lines["tweets-en"].lines[0].get_xydata().tolist() == [[k, 30.5 + k] for k in (1, 3, 5, 7, 9)]
    assert lines["weibo-zh"].lines[0].get_xydata().tolist() == [[1, 40.0], [9, 41.0]]
    assert list(lines["tweets-en, Seq2Seq"].get_ydata()) == [29.0, 29.0]


def test_the_bars_are_the_scores(axes: list[Any], tmp_path: Path) -> None:
    strata_figure(tmp_path / "figure.png", STRATA)
    (panel,) = axes
    assert [[bar.get_height() for bar in bars] for bars in panel.containers] == [[30.0, 0.0], [40.0, 5.0]]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["all\n(1,200 posts)", "none\n(300 posts)"]
    assert panel.get_xlabel() == STRATA["title"] and panel.get_ylabel() == "F1@1 (%)"
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bars in panel.containers for bar in bars]
    ordered = sorted(edges)
    assert all(left[1] <= right[0] + 1e-9 for left, right in pairwise(ordered))  # none hidden


def test_a_stream_has_a_panel_for_each_kind_of_gold(axes: list[Any], tmp_path: Path) -> None:
    stream_figure(tmp_path / "figure.png", ["seen", "never seen"], PIECES, "2020-02-01T00:00:00+00:00")
    assert [panel.get_title() for panel in axes] == ["gold hashtags seen", "gold hashtags never seen"]
    seen, never = ({line.get_label(): line for line in panel.lines} for panel in axes)
    assert list(seen["RIGHT"].get_ydata()) == [61.0, 62.0, 63.0]
    assert list(never["RIGHT"].get_ydata()) == [5.0, 10.0, 15.0]
    assert all(map(math.isnan, never["BM25"].get_ydata()))
    assert [time.month for time in seen["BM25"].get_xdata()] == [1, 2, 3]


def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"figure.pdf; expected a file ending in .png or .svg"):
        strata_figure(tmp_path / "figure.pdf", STRATA)
    with pytest.raises(ValueError, match="no results"):
        hashtag_count_figure(tmp_path / "figure.png", {})
    with pytest.raises(ValueError, match="no results"):
        strata_figure(tmp_path / "figure.png", {"title": "", "strata": {}})
    with pytest.raises(ValueError, match="no results"):
        stream_figure(tmp_path / "figure.png", ["seen"], [], "2020-01-01")
    many = {"all": {"posts": 1, "scores": {str(i): {"f1@1": 1.0} for i in range(9)}}}
    with pytest.raises(ValueError, match="9 series; at most 8"):
        strata_figure(tmp_path / "figure.png", {"title": "", "strata": many})
    with pytest.raises(KeyError):
        strata_figure(tmp_path / "figure.png", STRATA, metric="f1@3")
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(ImportError, match=r"pip install right_hf\[train\]"):
        strata_figure(tmp_path / "figure.png", STRATA)
