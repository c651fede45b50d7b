"""Ray as an engine: an actor pool of Ray Data answers; what a lost node was at is answered by another one."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

# Read when Ray is imported or starts. It tells of its use otherwise, and its core of what is repaired anyway.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
import ray.data
from ray import cloudpickle

from right_hf.forks import take_one_core

#: Seconds within which somebody must answer at the address of a cluster.
_PATIENCE = 10.0
#: How a client of gRPC, in which Ray speaks, begins; a server answers with its settings, in a frame of that kind.
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = b"\x04"
#: Batches that wait at each actor, so that it goes on while the last answer travels.
_AHEAD = 2
#: Blocks that batches are dealt into at most: each costs Ray some milliseconds.
_BLOCKS = 10_000


class Actor:
    """Answers batches in a process of the cluster.

    Args:
        answer: What [`right_hf.workers.in_order`] takes, pickled.
    """

    def __init__(self, answer: bytes) -> None:
        self._answer: Callable[[Any], Any] = cloudpickle.loads(answer)
        take_one_core()

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        """The answers to some batches; an error is an answer, too, for Ray would take it for one of its own."""
        answers = [cloudpickle.dumps(self._tried(batch)) for batch in rows["batch"]]
        return {"number": rows["number"], "answer": answers}

    def _tried(self, batch: bytes) -> tuple[Any, Exception | None]:
        try:
            return self._answer(cloudpickle.loads(batch)), None
        except Exception as error:
            return None, _portable(error)


def answered_by_ray(
    answer: Callable[[Any], Any],
    batches: Iterable[Any],
    address: str | None = None,
    actors: int | None = None,
    gpus: float = 0.0,
    shows_logs: bool = False,
) -> Iterator[Any]:
    """Yields what `answer` gives for each batch, in their order; see [`right_hf.bulk.engines.ray_engine`].

    A batch may be answered twice where a node is lost, and the second answer counts.

    Raises:
        ConnectionError: No cluster answers at the address.
        RuntimeError: The cluster gave no answer to a batch.
    """
    items = [{"number": number, "batch": cloudpickle.dumps(batch)} for number, batch in enumerate(batches)]
    if not items:
        return
    # Ray tells on standard output of nodes that are lost, where results are.
    with redirect_stdout(sys.stderr), _connected(address, shows_logs):
        pool = ray.data.ActorPoolStrategy(
            size=min(len(items), actors or _room(gpus)), max_tasks_in_flight_per_actor=_AHEAD
        )
        rows = ray.data.from_items(items, override_num_blocks=min(len(items), _BLOCKS)).map_batches(
            Actor,
            fn_constructor_args=(cloudpickle.dumps(answer),),
            batch_size=None,
            batch_format="numpy",
            compute=pool,
            num_cpus=1,
            num_gpus=gpus or None,
        )
        answers: dict[int, Any] = {}
        turn = 0
        for row in rows.iter_rows():
            answers[int(row["number"])] = row["answer"]
            while turn in answers:
                found, error = cloudpickle.loads(answers.pop(turn))
                turn += 1
                if error is not None:
                    raise error
                yield found
    if turn < len(items):
        raise RuntimeError(f"Ray answered {turn} of {len(items)} batches. Run it again; what is done stays done.")


@contextmanager
def _connected(address: str | None, shows_logs: bool) -> Iterator[None]:
    """A connection to the cluster, which is left afterwards, unless the process had one before."""
    level = logging.INFO if shows_logs else logging.ERROR
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(level)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.enable_progress_bars and shows_logs
    if ray.is_initialized():
        yield
        return
    _check_address(address)
    try:
        ray.init(address, include_dashboard=False, log_to_driver=shows_logs, logging_level=level)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConnectionError(
            f"No Ray cluster was reached at {address or 'the usual place'!r}: {error}. Start one (ray start --head), "
            "give its address as host:port, or --address local for one of this machine alone."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_address(address: str | None) -> None:
    """Refuses an address at which nobody answers, for which Ray itself would wait long.

    Raises:
        ConnectionError: There is nobody.
        ValueError: It is of another kind.
    """
    wanted = os.environ.get("RAY_ADDRESS") if address in (None, "auto") else address
    if not wanted or wanted in ("auto", "local"):
        return
    host, _, port = wanted.rpartition(":")
    if "://" in wanted or not host or not port.isdecimal():
        raise ValueError(
            f"The address {wanted!r} is none of a cluster. Give host:port as `ray start` prints it, auto or local; "
            "where only ray:// can be reached, run the command there: ray job submit -- right-hf …"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE) as connection:
            if not os.environ.get("RAY_USE_TLS"):
                connection.sendall(_HELLO)
                if connection.recv(9)[3:4] != _SETTINGS:
                    raise OSError("what is there does not speak as Ray does")
    except OSError as error:
        raise ConnectionError(
            f"Nobody answers at the address {wanted} of a Ray cluster ({error}). Is it running (ray status)? "
            "--address local starts one of this machine alone."
        ) from error


def _room(gpus: float) -> int:
    """How many actors the cluster has room for."""
    there = ray.cluster_resources()
    cores = int(there.get("CPU", 1))
    return max(1, min(cores, int(there.get("GPU", 0) / gpus)) if gpus else cores)


def _portable(error: Exception) -> Exception:
    """The error, or where it cannot be sent what it says."""
    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
