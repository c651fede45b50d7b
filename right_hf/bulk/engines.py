"""Engines: what lets several processes answer, those of this machine or those of a Ray cluster.

All are a [`right_hf.workers.Engine`].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from right_hf.workers import Engine, in_order


def local_engine(workers: int = 1) -> Engine:
    """Processes of this machine; with one, this very process."""
    return partial(_local, workers=workers)


def ray_engine(
    address: str | None = None, actors: int | None = None, gpus: float = 0.0, shows_logs: bool = False
) -> Engine:
    """Actors of a Ray cluster.

    Args:
        address: Of the cluster: "auto" for one that runs already, "local" for one of this machine alone that is
            started and ends with the work, `host:port`; None for one that runs already or else one of this machine.
        actors: Processes that answer; None for as many as the cluster has cores, or GPUs for.
        gpus: GPUs of each, which may be a part of one.
        shows_logs: Whether Ray's own logs are shown.

    Raises:
        ImportError: Ray is not installed.
    """
    try:
        from right_hf.bulk.ray_engine import answered_by_ray
    except ModuleNotFoundError as error:
        raise ImportError(f"The engine 'ray' needs {error.name}: pip install 'right_hf[ray]'") from error
    return partial(answered_by_ray, address=address, actors=actors, gpus=gpus, shows_logs=shows_logs)


def _local(answer: Callable[[Any], Any], batches: Iterable[Any], workers: int) -> Iterator[Any]:
    if (load := getattr(answer, "load", None)) is not None:
        load()  # before there are several processes, which then share the memory
    return in_order(answer, batches, workers)
