"""The nearest of many hashtags of which only some are wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.encoders import Matrix
from right_hf.selector.compiled import highest
from right_hf.selector.rows import quantise
from right_hf.vocabulary import Vocabulary

#: Hashtags of a post that are looked at one by one, before it is asked of all which are wanted.
_MOST_LOOKED_AT = 1024
#: Vocabularies whose hashtags are known.
_KEPT = 4


def nearest_wanted(
    cosines: Matrix, names: Sequence[str], count: int, is_wanted: Callable[[str], bool]
) -> list[list[str]]:
    """For each row of cosines (P, H) the wanted hashtags with the highest, best first, equal ones by name.

    Where few are wanted, `is_wanted` is asked once of every hashtag and not again for each row.

    Args:
        cosines: Of each post and hashtag.
        names: The H hashtags.
        count: Hashtags for each post, fewer where there are fewer.
        is_wanted: Says of a hashtag whether it may be among them.
    """
    everything = np.arange(len(names))
    wanted: npt.NDArray[np.int64] | None = None
    found: list[list[str]] = []
    for row in cosines:
        best: list[int] = []
        depth = 4 * count
        while wanted is None and len(best) < count:
            ordered = (at for at in _highest(row, everything, depth, names) if is_wanted(names[at]))
            best = list(islice(ordered, count))
            if depth >= len(names):
                break
            depth *= 2
            if depth > _MOST_LOOKED_AT and len(best) < count:
                wanted = np.flatnonzero(np.fromiter(map(is_wanted, names), bool, len(names)))
        if wanted is not None:
            best = _highest(row, wanted, 4 * count, names)
        found.append([names[at] for at in best[:count]])
    return found


def _highest(row: Matrix, places: npt.NDArray[np.int64], depth: int, names: Sequence[str]) -> list[int]:
    """Up to `depth` of some places with the highest values in a row, best first."""
    places = highest(row, places, depth)
    kept = zip(row[places].tolist(), places.tolist(), strict=True)
    return [at for _, _, at in sorted((-value, names[at], at) for value, at in kept)]


class QuantisedRows(NamedTuple):
    """Hashtags, and their embeddings as [`right_hf.selector.rows.quantise`] gives them."""

    names: list[str]
    codes: npt.NDArray[np.int8]
    scales: Matrix


class AllowedRows:
    """Which of a growing list of hashtags are in a vocabulary; each is asked about once."""

    def __init__(self) -> None:
        self._masks: OrderedDict[Vocabulary, npt.NDArray[np.bool_]] = OrderedDict()

    def of(self, names: Sequence[str], vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
        """The places of the hashtags that are allowed.

        Args:
            names: Those of the last call, maybe with more behind them.
            vocabulary: The hashtags that are allowed.
        """
        mask = self._masks.get(vocabulary, np.zeros(0, dtype=bool))
        if len(mask) < len(names):
            more = [name in vocabulary for name in names[len(mask) :]]
            mask = np.concatenate([mask, np.array(more, dtype=bool)])
            # Replaced as a whole: other threads read the old one meanwhile.
            kept = [*self._masks.items()][-(_KEPT - 1) :]
            self._masks = OrderedDict([*((one, known) for one, known in kept if one != vocabulary), (vocabulary, mask)])
        return np.flatnonzero(mask[: len(names)])


class ListedRows:
    """The embeddings of hashtags that somebody lists and that were not prepared, of the last few lists.

    They are kept by list and not with those of the corpus, so that whoever names hashtags takes no memory for good.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Vocabulary, QuantisedRows] = OrderedDict()

    def of(
        self, vocabulary: Vocabulary, prepared: Container[str], embed: Callable[[Sequence[str]], Matrix]
    ) -> QuantisedRows:
        """The hashtags of a vocabulary that were not prepared, with their codes and scales.

        Args:
            vocabulary: The list.
            prepared: The hashtags that were.
            embed: Embeds hashtags.
        """
        found = self._kept.get(vocabulary)
        if found is None:
            names = [hashtag for hashtag in vocabulary.hashtags if hashtag not in prepared]
            found = QuantisedRows(names, *quantise(embed(names) if names else np.zeros((0, 1), dtype=np.float32)))
            # Replaced as a whole: other threads read the old one meanwhile.
            kept = [*self._kept.items()][-(_KEPT - 1) :]
            self._kept = OrderedDict([*kept, (vocabulary, found)])
        return found
