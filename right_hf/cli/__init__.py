"""`right-hf`: the commands, and what they share of errors, signals and output.

Standard output holds results only, one JSON object a line; everything else goes to standard error.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 nobody reads the output.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence

from right_hf import __version__
from right_hf.cli import annotate, card, corpus, demo, evaluate, index, pull, push, recommend, serve, train
from right_hf.cli.options import add_command, plain_parser, say
from right_hf.cli.streams import leave_output, restart_in_utf8, set_up_streams
from right_hf.progress import progress_bars

_DESCRIPTION = """\
Recommends the hashtags that people actually use (RIGHT: retrieval-augmented generation of mainstream hashtags)."""
#: As of a process that SIGPIPE ended: 128 and its number.
_NOBODY_READS = 141
_EXAMPLES = """\
  right-hf recommend "Scaling Erlang cluster to 10k nodes at WhatsApp"
  right-hf recommend --top-k 3 < posts.txt > hashtags.jsonl
  right-hf annotate --input 'posts/*.parquet' --output annotated --workers 8
  right-hf serve
  right-hf index my-posts.jsonl --output my-index
  right-hf recommend --retriever my-index "a post"
  right-hf evaluate --data test.jsonl

Each command has a --help of its own, with examples. Results go to standard output, one JSON object a line; progress
and errors go to standard error. Exit codes: 0 done, 1 failed (or done but for some lines, which are named), 2 wrong
usage, 130 interrupted, 141 nobody read the output. The Hub's token is that of `hf auth login` or the variable HF_TOKEN.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; nothing heavy is imported for it."""
    parser: argparse.ArgumentParser = plain_parser(argparse.ArgumentParser, _DESCRIPTION, _EXAMPLES, prog="right-hf")
    parser.add_argument("--version", action="version", version=f"right_hf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (recommend, annotate, serve, index, corpus, evaluate, train, push, pull, card, demo):
        name, run = command.__name__.rpartition(".")[2], getattr(command, "run", None)
        command.add_options(add_command(commands, name, command.__doc__, run))
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    if argv is None:
        restart_in_utf8()
    set_up_streams()
    try:
        code = _run(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has enough, as `head` does
        leave_output()
        code = _NOBODY_READS
    if argv is None:
        gc.freeze()  # the process ends, and would visit all its objects in vain once more
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # after --help, or a message on wrong usage
        return stop.code if isinstance(stop.code, int) else 2
    _set_up_output(arguments.quiet, arguments.debug)
    try:
        return arguments.run(arguments) or 0
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    except BrokenPipeError:
        raise
    except argparse.ArgumentTypeError as error:
        say(f"error: {error}")
        return 2
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        one_line = " ".join(str(error).split()) or type(error).__name__
        say(f"error: {one_line}" + ("" if arguments.debug else " (--debug shows where)"))
        return 1


def _set_up_output(quiet: bool, debug: bool) -> None:
    """Says how much of other libraries' logs is shown, and whether progress bars are: on a terminal, unless `quiet`."""
    if quiet or not sys.stderr.isatty():
        progress_bars(False)
    if not debug:
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    level = logging.DEBUG if debug else logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("right_hf").setLevel(level)
