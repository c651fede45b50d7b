"""The ranker: boosted trees that order the pool of a post, with scores that are calibrated probabilities."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.ranker.pool import PoolSettings
from right_hf.ranker.features import FEATURES, pool_table
from right_hf.ranker.records import Trace
from right_hf.ranker.trees import parse_trees, tree_section
from right_hf.hub.component import HubComponent
from right_hf.persistence import read_object, refuse_pickle, write_json, write_text

CONFIG_FILE = "ranker_config.json"
_TREES_FILE = "trees.txt"


def probability(total: float, slope: float, intercept: float) -> float:
    """1 / (1 + exp(-(intercept + slope x total))): what the trees add up to as a probability (Platt, 1999)."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, intercept + slope * total))))


class TreeRanker(HubComponent):
    """Ranks the pool of a post by boosted trees over its features (see [`right_hf.ranker.features`]).

    Trees are trained with LightGBM and kept in its text format; applying them needs no LightGBM.

    Args:
        trees: LightGBM's text of a model whose columns are among [`FEATURES`].
        slope: Of the calibration, above 0, so that the order stays that of the trees.
        intercept: Of the calibration.
        pool: What goes into the pool; trees know what they were trained with.

    Raises:
        ValueError: `trees` is no such text, looks at unknown features, or the calibration is no rising line.
    """

    component = "ranker"

    def __init__(self, trees: str, slope: float, intercept: float, pool: PoolSettings | None = None) -> None:
        self.trees, self.features = parse_trees(trees)
        self._text = tree_section(trees)
        if unknown := sorted(set(self.features) - set(FEATURES)):
            raise ValueError(f"The trees look at the unknown feature {unknown[0]!r}. Train them with this version.")
        if not (_is_number(slope) and _is_number(intercept) and slope > 0):
            raise ValueError(f"The calibration needs a slope above 0 and an intercept, got {slope!r}, {intercept!r}.")
        self.slope = slope
        self.intercept = intercept
        self.pool = pool or PoolSettings()
        self._columns = [FEATURES.index(name) for name in self.features]

    def scores(self, trace: Trace) -> dict[str, float]:
        """The hashtags of the pool of one post, each with the probability that its author would use it."""
        table = pool_table(trace)
        return dict(zip(table.hashtags, self.probabilities(table.values), strict=True))

    def probabilities(self, values: npt.NDArray[np.float32]) -> list[float]:
        """The probability of each hashtag from its features, (N, len(FEATURES))."""
        sums = self.trees.sums(values[:, self._columns])
        return [probability(total, self.slope, self.intercept) for total in sums.tolist()]

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes trees (LightGBM's text format) and settings (JSON) into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / _TREES_FILE, self._text)
        calibration = {"slope": self.slope, "intercept": self.intercept}
        config = {"ranker_type": "trees", "calibration": calibration, "pool": asdict(self.pool)}
        write_json(folder / CONFIG_FILE, config)

    @classmethod
    def from_folder(cls, folder: str | Path) -> TreeRanker:
        """Loads what [`save_pretrained`] wrote.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged.
        """
        folder = Path(folder)
        refuse_pickle(folder)
        config = read_object(folder / CONFIG_FILE)
        try:
            trees = (folder / _TREES_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(f"{folder / _TREES_FILE} is missing. Save or download the ranker again.") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{folder / _TREES_FILE} is no text ({error}). Save or download it again.") from error
        try:
            return cls(trees, **_calibration(config), pool=PoolSettings(**config["pool"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder} holds no loadable ranker: {error} Save or download it again.") from error


def _calibration(config: dict[str, Any]) -> dict[str, Any]:
    return {name: config["calibration"][name] for name in ("slope", "intercept")}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
