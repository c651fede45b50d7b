"""Options that say where the work is done: in processes of this machine, or in those of a Ray cluster."""

from __future__ import annotations

import argparse
from typing import Any

from right_hf.cli.options import positive

_ADDRESS = "of the cluster: host:port, auto (one that runs) or local (started here) (default: auto if one runs)"


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Where the work is done."""
    add = parser.add_argument_group("engine").add_argument
    add("--engine", choices=("local", "ray"), default="local", help="processes here, or a Ray cluster (default: local)")
    add("--workers", type=positive, metavar="N", help="processes of the engine local (default: 1)")
    add("--address", metavar="ADDRESS", help=_ADDRESS)
    add(
        "--actors",
        type=positive,
        metavar="N",
        help="processes of the engine ray (default: one a core or share of a GPU)",
    )
    add("--gpus-per-actor", type=_gpus, metavar="F", help="GPUs of each, 0.5 for two on one (default: none)")


def chosen_engine(arguments: argparse.Namespace) -> Any:
    """The engine that the options name.

    Raises:
        argparse.ArgumentTypeError: An option is given that the engine has not.
        ImportError: Ray is not installed.
    """
    from right_hf.bulk.engines import local_engine, ray_engine

    others = ("address", "actors", "gpus_per_actor") if arguments.engine == "local" else ("workers",)
    if foreign := [name for name in others if getattr(arguments, name) is not None]:
        option, other = f"--{foreign[0].replace('_', '-')}", "ray" if arguments.engine == "local" else "local"
        raise argparse.ArgumentTypeError(f"{option} is for --engine {other}; give that, or leave it out")
    if arguments.engine == "local":
        return local_engine(arguments.workers or 1)
    return ray_engine(arguments.address, arguments.actors, arguments.gpus_per_actor or 0.0, arguments.debug)


def _gpus(text: str) -> float:
    try:
        if (number := float(text)) > 0:
            return number
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
