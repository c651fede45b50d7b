"""Folders of the metrics as `evaluate.load` takes them, by path or, pushed, from the Hub.

    evaluate.load(metric_folder("hashtag_f1"))
    evaluate.load("user/hashtag_f1")  # after right-hf push metric hashtag_f1 user/hashtag_f1

They hold no formula: each only names the class of this package that computes it.
"""

from __future__ import annotations

from pathlib import Path

#: Names of the metrics that have such a folder.
METRICS = ("hashtag_f1", "hashtag_rouge")


def metric_folder(name: str) -> Path:
    """The folder of a metric.

    Raises:
        ValueError: There is no such metric.
    """
    if name not in METRICS:
        raise ValueError(f"Unknown metric {name!r}. Known: {', '.join(METRICS)}.")
    return Path(__file__).parent / name
