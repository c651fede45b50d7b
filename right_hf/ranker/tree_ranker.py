"""The ranker: boosted trees that order the pool of a post, with scores that are calibrated probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from right_hf.component import Trainer
from right_hf.persistence import write_text
from right_hf.ranker.base import Ranker
from right_hf.ranker.features import is_feature
from right_hf.ranker.pool import PoolSettings
from right_hf.ranker.quickscorer import TreeSums
from right_hf.ranker.records import Trace
from right_hf.ranker.trees import parse_trees, tree_section

_TREES_FILE = "trees.txt"


def probability(total: float, slope: float, intercept: float) -> float:
    """1 / (1 + exp(-(intercept + slope x total))): what the trees add up to as a probability (Platt, 1999)."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, intercept + slope * total))))


class TreeRanker(Ranker):
    """Ranks the pool of a post by boosted trees over its features (see [`right_hf.ranker.features`]).

    Trees are trained with LightGBM and kept in its text format; applying them needs no LightGBM.

    Args:
        trees: LightGBM's text of a model whose columns are features, see [`right_hf.ranker.features`].
        slope: Of the calibration, above 0, so that the order stays that of the trees.
        intercept: Of the calibration.
        pool: What goes into the pool; trees know what they were trained with.
        optional_generator: Whether they have learned to order pools without what a generator says, too.

    Raises:
        ValueError: `trees` is no such text, looks at unknown features, or the calibration is no rising line.
    """

    type = "trees"

    def __init__(
        self,
        trees: str,
        slope: float,
        intercept: float,
        pool: PoolSettings | None = None,
        optional_generator: bool = False,
    ) -> None:
        parsed, names = parse_trees(trees)
        read = np.unique(parsed.features)
        self.features: tuple[str, ...] = tuple(names[column] for column in read.tolist())
        features = np.searchsorted(read, parsed.features).astype(np.int32)
        self._sums = TreeSums(parsed._replace(features=features), len(read))
        self._text = tree_section(trees)
        if unknown := sorted(name for name in names if not is_feature(name)):
            raise ValueError(f"The trees look at the unknown feature {unknown[0]!r}. Train them with this version.")
        if not (_is_number(slope) and _is_number(intercept) and slope > 0):
            raise ValueError(f"The calibration needs a slope above 0 and an intercept, got {slope!r}, {intercept!r}.")
        self.optional_generator = optional_generator
        self.needs_generator = not optional_generator and any(name.startswith("generator_") for name in self.features)
        self.slope = slope
        self.intercept = intercept
        self.pool: PoolSettings = pool or PoolSettings()

    def scores(self, traces: Sequence[Trace]) -> list[dict[str, float]]:
        """The hashtags of the pool of each post, each with the probability that its author would use it.

        Raises:
            ValueError: A trace has no features.
        """
        tables = [trace.features for trace in traces if trace.features is not None]
        if len(tables) < len(traces):
            raise ValueError("A trace has no features. Run the stages with this ranker's pool settings.")
        if not tables:
            return []
        found = iter(self.probabilities(np.concatenate([table.values for table in tables]), tables[0].names))
        return [dict(zip(table.hashtags, islice(found, len(table.hashtags)), strict=True)) for table in tables]

    def probabilities(self, values: npt.NDArray[np.float32], names: Sequence[str]) -> list[float]:
        """The probability of each hashtag from its features, (N, len(names)); a column that is missing says nothing."""
        columns = self._columns(values, tuple(names))
        return [probability(total, self.slope, self.intercept) for total in self._sums(columns).tolist()]

    def _columns(self, values: npt.NDArray[np.float32], names: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """The columns that the trees look at."""
        if names == self.features:
            return values
        nothing = np.full(len(values), np.nan, dtype=np.float32)
        return np.stack([values[:, names.index(name)] if name in names else nothing for name in self.features], axis=1)

    @property
    def settings(self) -> dict[str, Any]:
        """Calibration, pool, and whether a generator is optional."""
        calibration = {"slope": self.slope, "intercept": self.intercept}
        return {
            "calibration": calibration,
            "pool": asdict(self.pool),
            "optional_generator": self.optional_generator,
        }

    def write(self, folder: Path) -> None:
        """Writes the trees (LightGBM's text format)."""
        write_text(folder / _TREES_FILE, self._text)

    @classmethod
    def from_folder(cls, folder: str | Path) -> TreeRanker:
        """Loads what [`save_pretrained`] wrote.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged.
        """
        folder = Path(folder)
        config = cls.saved_settings(folder)
        try:
            trees = (folder / _TREES_FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(f"{folder / _TREES_FILE} is missing. Save or download the ranker again.") from None
        except UnicodeDecodeError as error:
            raise ValueError(f"{folder / _TREES_FILE} is no text ({error}). Save or download it again.") from error
        try:
            calibration = {name: config["calibration"][name] for name in ("slope", "intercept")}
            optional = config.get("optional_generator") is True
            return cls(trees, **calibration, pool=PoolSettings(**config["pool"]), optional_generator=optional)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder} holds no loadable ranker: {error} Save or download it again.") from error

    @classmethod
    def trainer(cls) -> Trainer:
        """Trains the trees on pools of posts that no component has seen."""
        from right_hf.trainers.ranker import TreeTraining

        return TreeTraining()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
