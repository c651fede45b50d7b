"""`right-hf`: the commands, and what they share of errors, signals and output.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from right_hf import __version__
from right_hf.cli import card, evaluate, index, pull, push, recommend, train
from right_hf.cli.output import set_up_output

_DESCRIPTION = """\
Recommends the hashtags that people actually use (RIGHT: retrieval-augmented generation of mainstream hashtags)."""
_EPILOG = """\
examples:
  right-hf recommend "Scaling Erlang cluster to 10k nodes at WhatsApp"
  right-hf recommend --top-k 3 < posts.txt > hashtags.jsonl
  right-hf index my-posts.jsonl --output my-index
  right-hf recommend --retriever my-index "a post"
  right-hf evaluate --data test.jsonl

Each command has a --help of its own, with examples. Results go to standard output, one JSON object a line; progress
and errors go to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. The Hub's token is that
of `hf auth login` or the variable HF_TOKEN.
"""
_COMMANDS = (recommend, index, evaluate, train, push, pull, card)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; nothing heavy is imported for it."""
    parser = argparse.ArgumentParser(
        prog="right-hf",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"right_hf {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # after --help, or a message on wrong usage
        return stop.code if isinstance(stop.code, int) else 2
    set_up_output(arguments.quiet, arguments.debug)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read has enough, as `head` does. Else the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except argparse.ArgumentTypeError as error:
        _say(f"error: {error}")
        return 2
    except Exception as error:
        if arguments.debug:
            traceback.print_exc()
        _say(f"error: {_one_line(error)}" + ("" if arguments.debug else " (--debug shows where)"))
        return 1
    return 0


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__


def _say(message: str) -> None:
    sys.stderr.write(f"right-hf: {message}\n")
