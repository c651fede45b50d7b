"""Options that several commands share, and what is made of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from right_hf.cli.output import quieten_libraries

if TYPE_CHECKING:
    from right_hf.model import RightModel

#: `right_hf.hub.component.COMPONENTS`, which takes long to import.
PARTS = ("retriever", "selector", "generator", "ranker")


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


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which checkpoint, and whether parts of it are taken from elsewhere."""
    options = parser.add_argument_group("model")
    options.add_argument(
        "--model",
        "--checkpoint",
        dest="model",
        metavar="MODEL",
        help="a folder or a Hub id (default: the English checkpoint that comes with the package)",
    )
    add_hub_options(options)
    for part in PARTS:
        options.add_argument(f"--{part}", metavar="PLACE", help=f"a folder or Hub id whose {part} takes the place")
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


def load_model(arguments: argparse.Namespace) -> RightModel:
    """The checkpoint that the options name, with the parts they swap."""
    from right_hf import DEFAULT_CHECKPOINT
    from right_hf.model import RightModel

    quieten_libraries()
    swapped = {part: getattr(arguments, part) for part in PARTS if getattr(arguments, part) is not None}
    source = arguments.model or DEFAULT_CHECKPOINT
    return RightModel.from_pretrained(source, device=arguments.device, **hub_arguments(arguments), **swapped)
