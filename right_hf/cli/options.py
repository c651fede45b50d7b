"""What the commands share: how they are added, their options, what is made of these, and how results are written."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import Any, TypeVar

from right_hf.cli.streams import restored
from right_hf.generator.engine import ENGINES
from right_hf.layout import REQUIRED, ROLES

#: What DATA may be, for the help of a command.
DATA_HELP = "a file or folder of posts, or a data set of the Hub"
#: `right_hf.data.SPLITS`, which takes long to import.
SPLITS = ("train", "validation", "test")
#: Fields of `DatasetOptions`, the options that set them, and their help.
_DATA_OPTIONS = {
    "text": ("--text-column", "column of posts (default: text)"),
    "hashtags": ("--hashtags-column", "column of their hashtags, lists or strings (default: hashtags)"),
    "id": ("--id-column", "column of their ids (default: id)"),
    "created_at": ("--created-at-column", "column of their times (default: created_at)"),
    "license": ("--license-column", "column of their licences (default: license)"),
    "author": ("--author-column", "column of marks (no names) of their authors, who count once"),
    "separator": ("--separator", "between the hashtags of a string (default: [SEP])"),
    "name": ("--data-name", "configuration of the data set"),
    "revision": ("--data-revision", "branch, tag or commit of the data set"),
}
_DATA = """\
DATA is a .jsonl file, each line with text, hashtags and perhaps id, created_at and license; a pair of .src and .dst
files; a .parquet, .csv or .json file; a folder of such files, named train, validation and test; or the id of a data
set of the Hub."""

#: Weights of a model that has little to share out among cores.
_SMALL = 30_000_000

T = TypeVar("T")
#: Gives the exit code; None for 0.
Run = Callable[[argparse.Namespace], int | None]


def plain_parser(new: Callable[..., Any], description: str, examples: str, **settings: Any) -> Any:
    """A parser made by `new`, whose help shows the texts as they are and ends with the examples."""
    shown, how = f"examples:\n{examples}", argparse.RawDescriptionHelpFormatter
    return new(description=description, epilog=shown, formatter_class=how, allow_abbrev=False, **settings)


def add_command(commands: Any, name: str, text: str | None, run: Run | None = None) -> Any:
    """Adds a command, or without `run` one that only holds others.

    Args:
        commands: What `add_subparsers` gave.
        name: The command's.
        text: A docstring: after the first colon what it does in short; a description; "Examples:" and these.
        run: Runs it.
    """
    head, _, examples = cleandoc(text or "").partition("\n\nExamples:\n")
    first, _, description = head.partition("\n\n")
    summary = first.partition(": ")[2].rstrip(".")
    parser = plain_parser(commands.add_parser, description or first, examples, name=name, help=summary)
    if run is not None:
        add = parser.add_argument
        add("--quiet", action="store_true", help="no progress bars (without a terminal there are none)")
        add("--debug", "--verbose", action="store_true", help="show where an error came from, and more logs")
        parser.set_defaults(run=run)
    return parser


def _type(what: str, parse: Callable[[str], T | None]) -> Callable[[str], T]:
    """A type of argument; `parse` gives None, or raises ValueError, for a text that is not `what`."""

    def convert(text: str) -> T:
        try:
            found = parse(text)
        except ValueError:
            found = None
        if found is None:
            raise argparse.ArgumentTypeError(f"must be {what}, got {text!r}")
        return found

    return convert


def as_text(given: str) -> str:
    """An argument that is text: in a locale that is no UTF-8, what the bytes of the shell mean in UTF-8."""
    return restored(given)


def as_path(given: str) -> Path:
    """An argument that is a path, with `~` as the home folder; its bytes stay those that the shell gave."""
    return Path(os.path.expanduser(given))


def _seconds(text: str) -> float | None:
    from right_hf.times import seconds

    return float(text) if text.replace(".", "", 1).isdecimal() else seconds(text)


positive = _type("a whole number of at least 1", lambda text: number if (number := int(text)) >= 1 else None)
port = _type("a port, 0 to 65535", lambda text: number if 0 <= (number := int(text)) <= 65535 else None)
probability = _type("a number between 0 and 1", lambda text: number if 0 <= (number := float(text)) <= 1 else None)
#: Seconds since 1970.
moment = _type("a time such as 2020-05-31T12:00Z or seconds since 1970", _seconds)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which checkpoint, and whether parts of it are taken from elsewhere or left out."""
    options = parser.add_argument_group("model")
    where = "a folder or a Hub id (default: the English checkpoint that comes with the package)"
    options.add_argument("--model", "--checkpoint", dest="model", metavar="MODEL", help=where)
    add_hub_options(options)
    for role in ROLES:
        place: Any = options if role in REQUIRED else options.add_mutually_exclusive_group()
        place.add_argument(f"--{role}", metavar="PLACE", help=f"a folder or Hub id whose {role} takes the place")
        if role not in REQUIRED:
            without = {"dest": role, "action": "store_false", "default": None}
            place.add_argument(f"--no-{role}", **without, help=f"do without the {role}")
    options.add_argument("--device", default="cpu", help="where the networks run, for example cuda (default: cpu)")
    engine = "what the generator writes with (default: ctranslate2 if it is installed and answers the same)"
    options.add_argument("--generator-engine", choices=ENGINES, help=engine)
    server = "the server that a chat model may send posts to, by its base URL, or hub: and the provider"
    options.add_argument("--send-posts-to", metavar="SERVER", help=server)
    kept = "keep a chat model's answers there, so that a run that is begun again asks only for the rest"
    options.add_argument("--answers", dest="store", type=as_path, metavar="FILE", help=kept)
    at_once = "requests to a chat model at once, of each process (default: 8)"
    options.add_argument("--concurrency", type=positive, metavar="N", help=at_once)


def add_hub_options(options: Any) -> None:
    """How something is read from the Hub."""
    options.add_argument("--revision", help="branch, tag or commit on the Hub (default: main)")
    options.add_argument("--cache-dir", type=as_path, metavar="FOLDER", help="where downloads are kept")
    options.add_argument("--offline", action="store_true", help="use what is in the cache, ask no network")


def add_table_option(parser: Any) -> None:
    """Where a table of posts lies."""
    what = "where a table lies, if not in FOLDER, such as s3://bucket/corpus"
    parser.add_argument("--table", metavar="URL", help=what)


def table_address(arguments: argparse.Namespace) -> str | None:
    """Where a table is to lie; None for its folder.

    Raises:
        argparse.ArgumentTypeError: It is to be no table.
    """
    if arguments.table is not None and arguments.store != "lance":
        raise argparse.ArgumentTypeError("--table is where a table lies: give --store lance, or leave it out")
    address: str | None = arguments.table
    return address


def hub_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The Hub's options as arguments of `from_pretrained`."""
    local = arguments.offline or None
    return _given(revision=arguments.revision, cache_dir=arguments.cache_dir, local_files_only=local)


def load_model(arguments: argparse.Namespace) -> Any:
    """The `RightModel` that the options name, with the parts they swap or leave out."""
    source, chosen = _checkpoint_arguments(arguments)
    with uncollected():
        from right_hf.model import RightModel

        model = RightModel.from_pretrained(source, **chosen)
    if getattr(arguments, "posts", None):
        _calm_threads(model)
    return model


def named_checkpoint(arguments: argparse.Namespace) -> Any:
    """What [`load_model`] would load, for processes that load it themselves, on the GPU where each is given one."""
    from right_hf.bulk.checkpoints import NamedCheckpoint

    source, chosen = _checkpoint_arguments(arguments)
    if arguments.gpus_per_actor is not None and chosen["device"] == "cpu":
        chosen["device"] = "cuda"
    return NamedCheckpoint.of(source, **chosen)


def _checkpoint_arguments(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The checkpoint that the options name, and the arguments of `from_pretrained`."""
    from right_hf import DEFAULT_CHECKPOINT

    parts = {role: getattr(arguments, role) for role in ROLES}
    chat = {name: getattr(arguments, name) for name in ("send_posts_to", "store", "concurrency")}
    chosen = _given(engine=arguments.generator_engine, device=arguments.device, **parts, **chat)
    return DEFAULT_CHECKPOINT if arguments.model is None else arguments.model, {**hub_options(arguments), **chosen}


def _calm_threads(model: Any) -> None:
    """Lets a small model answer a few posts on one core, which is as quick: others would only spin beside it."""
    if not (networks := model.networks):
        return
    import torch

    if sum(weights.numel() for network in networks for weights in network.parameters()) < _SMALL:
        torch.set_num_threads(1)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: loading makes a million objects that stay, and to visit them again takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def add_data_options(parser: argparse.ArgumentParser, licenses: bool = True) -> None:
    """How posts are read and, with `licenses`, which; DATA itself is added by the command."""
    options = parser.add_argument_group("data", _DATA)
    if licenses:
        options.add_argument("--licenses", nargs="+", metavar="SPDX", help="only posts under one of these licences")
    for field, (option, what) in _DATA_OPTIONS.items():
        options.add_argument(option, dest=f"data_{field}", type=as_text, metavar="NAME", help=what)


def data_options(arguments: argparse.Namespace) -> Any:
    """The options as `DatasetOptions`; None where none is given."""
    from right_hf.data import DatasetOptions

    chosen = _given(**{field: getattr(arguments, f"data_{field}") for field in _DATA_OPTIONS})
    return DatasetOptions(**chosen) if chosen else None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def as_json(result: dict[str, Any]) -> str:
    """A result as JSON on one line that every reader takes: UTF-8, without NaN."""
    return restored(json.dumps(result, ensure_ascii=False, allow_nan=False))


def write_result(result: dict[str, Any]) -> None:
    """Writes one result as a line of JSON, at once, so that a reader need not wait for the end."""
    sys.stdout.write(as_json(result) + "\n")
    sys.stdout.flush()


def say(message: str) -> None:
    """Tells the user something: one line on standard error."""
    sys.stderr.write(f"right-hf: {restored(message)}\n")
