"""Batches of posts, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from tqdm.auto import tqdm

T = TypeVar("T")


def batches(items: Sequence[T], size: int, what: str) -> Iterator[Sequence[T]]:
    """The items in order, `size` at a time; `what` stands beside the progress bar."""
    for start in tqdm(range(0, len(items), size), desc=what, unit="batch"):
        yield items[start : start + size]


def batches_of_like_length(texts: Sequence[str], size: int, what: str) -> Iterator[Sequence[int]]:
    """The places of the texts, shortest first, `size` at a time: texts of like length need little padding."""
    return batches(sorted(range(len(texts)), key=lambda row: len(texts[row])), size, what)
