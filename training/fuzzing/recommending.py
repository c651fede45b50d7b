"""Posts through `RightModel.recommend`: what holds of the answers, and whether memory stays level."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from fuzzing.answers import PREFERENCES, problems
from fuzzing.found import Faults, resident_megabytes
from right_hf import RightModel

_BATCH = 16
#: Every so many batches other preferences are asked for.
_OTHERS = 8
_SAMPLED = 1_000
#: Share of the samples of memory that count as warming up: until the caches are full.
_WARMING_UP = 0.25

T = TypeVar("T")


def batched(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values by `size`."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def recommend_all(model: RightModel, posts: Iterable[str], faults: Faults) -> dict[str, Any]:
    """Asks for hashtags of all posts, in batches.

    Returns:
        Posts, those with an answer, seconds, and the memory after each thousand posts, in MiB.
    """
    done = answered = 0
    memory = [resident_megabytes()]
    start = time.monotonic()
    for number, batch in enumerate(batched(posts, _BATCH)):
        asked = PREFERENCES[number // _OTHERS % len(PREFERENCES)] if number % _OTHERS == 0 else PREFERENCES[0]
        answered += _check(model, batch, asked, faults)
        if done // _SAMPLED < (done + len(batch)) // _SAMPLED:
            memory.append(resident_megabytes())
        done += len(batch)
    seconds = round(time.monotonic() - start, 1)
    return {"posts": done, "answered": answered, "seconds": seconds, "memory": memory, "growth": growth(memory)}


def _check(model: RightModel, batch: list[str], asked: dict[str, Any], faults: Faults) -> int:
    """Asks for the hashtags of a batch; how many posts have some."""
    try:
        found = model.recommend(batch, threshold=0, **asked)
    except Exception as error:
        faults.error(f"recommend {asked}", error, batch)
        return 0
    if len(found) != len(batch):
        faults.note("recommend: another number of answers than posts", batch)
    for post, answer in zip(batch, found, strict=False):
        for problem in problems(answer, asked):
            faults.note(f"recommend: {problem}", (post, asked, answer))
    return sum(map(bool, found))


def growth(memory: list[float]) -> float | None:
    """By what share memory grew after warming up; None where there are too few samples to say."""
    first = int(len(memory) * _WARMING_UP) + 1
    return round(memory[-1] / memory[first] - 1, 3) if len(memory) > first + 2 else None
