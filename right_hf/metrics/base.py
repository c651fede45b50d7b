"""What the metrics share: the check of their input, sums over posts, and a base class that leaves no files behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import evaluate
import numpy as np
import numpy.typing as npt
from datasets import Features, Value
from datasets import Sequence as SequenceFeature

HashtagLists = Sequence[Sequence[str]]
"""One sequence of hashtags per post, best first."""

_CITATION = "Fan et al. RIGHT: Retrieval-augmented Generation for Mainstream Hashtag Recommendation"
_NO_POSTS = "Got no posts; expected at least one. Add predictions and references before computing."


class PerPost(NamedTuple):
    """What each post adds to a score that is a ratio of two sums, sum(numerator) / sum(denominator).

    The denominator depends on the post and its gold hashtags alone, never on what a system answered.

    Attributes:
        numerator: float array of shape (n,).
        denominator: float array of shape (n,), above 0.
    """

    numerator: npt.NDArray[np.float64]
    denominator: npt.NDArray[np.float64]

    def score(self) -> float:
        """The score over all posts, in [0, 1]."""
        return float(self.numerator.sum() / self.denominator.sum())

    def of(self, rows: npt.NDArray[Any]) -> PerPost:
        """What the posts that `rows` picks (indices or a mask) add."""
        return PerPost(self.numerator[rows], self.denominator[rows])


def check_same_posts(predictions: HashtagLists, references: HashtagLists) -> None:
    """Check that there are as many predictions as references, and at least one.

    Raises:
        ValueError: if the counts differ or there is no post.
    """
    if len(predictions) != len(references):
        raise ValueError(
            f"Got {len(predictions)} predictions but {len(references)} references; expected one list of hashtags per"
            " post in both. Pass an empty list for a post without a prediction instead of leaving it out."
        )
    if len(predictions) == 0:
        raise ValueError(_NO_POSTS)


def f_measure(overlap: int, n_predicted: int, n_gold: int) -> float:
    """F of precision = overlap / n_predicted and recall = overlap / n_gold; 0.0 where both sides are empty."""
    return 2 * overlap / (n_predicted + n_gold) if n_predicted + n_gold else 0.0


class HashtagMetric(evaluate.Metric):  # type: ignore[misc]  # evaluate ships no types
    """A metric over lists of hashtags that keeps what it is given in memory.

    `evaluate` buffers in a folder of the user's home by default, where a computation that fails leaves its file. Only a
    metric gathered from several processes (`num_process` > 1) needs that. Arguments are those of `evaluate.Metric`.

    Attributes:
        what: what it computes, in a sentence.
        inputs: its inputs and its result, for `help`.
    """

    what: ClassVar[str]
    inputs: ClassVar[str]

    def __init__(self, config_name: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("keep_in_memory", kwargs.get("num_process", 1) == 1)
        super().__init__(config_name, **kwargs)

    def _info(self) -> evaluate.MetricInfo:
        hashtags = SequenceFeature(Value("string"))
        features = Features({"predictions": hashtags, "references": hashtags})
        about = {"description": self.what, "citation": _CITATION, "inputs_description": f"\n{self.inputs}"}
        return evaluate.MetricInfo(**about, features=features)

    def add_batch(
        self, *, predictions: HashtagLists | None = None, references: HashtagLists | None = None, **kwargs: Any
    ) -> None:
        """Add the predicted (best first) and the gold hashtags of a batch of posts, one list per post.

        Raises:
            TypeError: if an entry is not a list of strings.
            ValueError: if the numbers of predictions and references differ or are zero.
        """
        # All is checked before the first write: a refused batch leaves no half of itself among the stored ones.
        both = {"predictions": predictions, "references": references}
        given: dict[str, HashtagLists] = {name: () if lists is None else lists for name, lists in both.items()}
        check_same_posts(**given)
        for name, lists in given.items():
            for index, hashtags in enumerate(lists):
                if not isinstance(hashtags, list | tuple) or not all(isinstance(hashtag, str) for hashtag in hashtags):
                    raise TypeError(
                        f"{name}[{index}] is {hashtags!r:.200}; expected a list of strings, one per hashtag."
                        " Split a joined string into its hashtags first, and use an empty list for none."
                    )
        super().add_batch(**given, **kwargs)

    def _finalize(self) -> None:
        if self.writer is None:
            raise ValueError(_NO_POSTS)
        super()._finalize()

    def _build_data_dir(self) -> str:  # evaluate makes the folder although it may never write to it
        return self._data_dir_root if self.keep_in_memory else str(super()._build_data_dir())
