"""Options that several commands share, and what is made of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from right_hf.layout import REQUIRED, ROLES

#: What DATA may be, for the help of a command.
DATA_HELP = "a file or folder of posts, or a data set of the Hub"
#: `right_hf.data.SPLITS`, which takes long to import.
SPLITS = ("train", "validation", "test")
#: The columns of a data set: the field of `DatasetOptions` that names each, and what it holds.
_COLUMNS = {
    "text": "posts",
    "hashtags": "their hashtags, lists or strings",
    "id": "their ids",
    "created_at": "their times",
    "license": "their licences",
}


def add_group(commands: Any, name: str, summary: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Adds a command that only holds others; its help ends with examples."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return parser


def add_command(commands: Any, name: str, summary: str, description: str, examples: str) -> argparse.ArgumentParser:
    """Adds a command; its help ends with examples."""
    parser = add_group(commands, name, summary, description, examples)
    parser.add_argument("--quiet", action="store_true", help="no progress bars (without a terminal there are none)")
    parser.add_argument(
        "--debug", "--verbose", action="store_true", help="show where an error came from, and more logs"
    )
    return parser


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def probability(text: str) -> float:
    """A number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, got {text!r}")
    return number


def moment(text: str) -> float:
    """Seconds since 1970, of a number or an ISO 8601 time."""
    from right_hf.popularity import seconds

    found = float(text) if text.replace(".", "", 1).isdecimal() else seconds(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"must be a time such as 2020-05-31T12:00Z or seconds since 1970, got {text!r}"
        )
    return found


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which checkpoint, and whether parts of it are taken from elsewhere or left out."""
    options = parser.add_argument_group("model")
    options.add_argument(
        "--model",
        "--checkpoint",
        dest="model",
        metavar="MODEL",
        help="a folder or a Hub id (default: the English checkpoint that comes with the package)",
    )
    add_hub_options(options)
    for role in ROLES:
        place = options if role in REQUIRED else options.add_mutually_exclusive_group()
        place.add_argument(f"--{role}", metavar="PLACE", help=f"a folder or Hub id whose {role} takes the place")
        if role not in REQUIRED:
            place.add_argument(
                f"--no-{role}", dest=role, action="store_false", default=None, help=f"do without the {role}"
            )
    options.add_argument("--device", default="cpu", help="where the networks run, for example cuda (default: cpu)")


def add_hub_options(options: Any) -> None:
    """How something is read from the Hub."""
    options.add_argument("--revision", help="branch, tag or commit on the Hub (default: main)")
    options.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="where downloads are kept")
    options.add_argument("--offline", action="store_true", help="use what is in the cache, ask no network")


def hub_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """The Hub's options as arguments of `from_pretrained`."""
    chosen = {"revision": arguments.revision, "cache_dir": arguments.cache_dir}
    chosen["local_files_only"] = arguments.offline or None
    return {name: value for name, value in chosen.items() if value is not None}


def load_model(arguments: argparse.Namespace) -> Any:
    """The `RightModel` that the options name, with the parts they swap or leave out."""
    from right_hf import DEFAULT_CHECKPOINT
    from right_hf.model import RightModel

    chosen = {role: getattr(arguments, role) for role in ROLES if getattr(arguments, role) is not None}
    source = arguments.model or DEFAULT_CHECKPOINT
    return RightModel.from_pretrained(source, device=arguments.device, **hub_arguments(arguments), **chosen)


def add_data_options(parser: argparse.ArgumentParser, licenses: bool = True) -> None:
    """How posts are read; DATA itself is added by the command.

    Args:
        parser: The command's.
        licenses: Whether the command chooses posts by their licences.
    """
    options = parser.add_argument_group(
        "data",
        "DATA is a .jsonl file, each line with id, text, hashtags and perhaps created_at and license; a pair of .src "
        "and .dst files; a .parquet, .csv or .json file; a folder of such files, named train, validation and test; or "
        "the id of a data set of the Hub.",
    )
    if licenses:
        options.add_argument("--licenses", nargs="+", metavar="SPDX", help="only posts under one of these licences")
    for name, what in _COLUMNS.items():
        options.add_argument(
            f"--{name.replace('_', '-')}-column",
            dest=f"data_{name}",
            metavar="NAME",
            help=f"column of {what} (default: {name})",
        )
    options.add_argument(
        "--separator", dest="data_separator", metavar="TEXT", help="between the hashtags of a string (default: [SEP])"
    )
    options.add_argument("--data-name", metavar="NAME", help="configuration of the data set")
    options.add_argument("--data-revision", metavar="REVISION", help="branch, tag or commit of the data set")


def data_options(arguments: argparse.Namespace) -> Any:
    """The options as `DatasetOptions`; None where none is given."""
    from right_hf.data import DatasetOptions

    names = (*_COLUMNS, "separator", "name", "revision")
    chosen = {name: getattr(arguments, f"data_{name}") for name in names}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    return DatasetOptions(**chosen) if chosen else None
