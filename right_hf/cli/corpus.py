"""`right-hf corpus`: look after the table of a large corpus.

Looks after a corpus that lies in a table (right-hf index --store lance), and moves one into a table or out of it. That
takes pip install 'right_hf[lance]'.

Examples:
  right-hf corpus compact my-table --forget 7
  right-hf corpus versions my-table
  right-hf corpus restore my-table 41
  right-hf corpus move my-index --store lance --output my-table
  right-hf corpus move my-table --store bm25 --output my-index
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from right_hf.cli.options import add_command, add_table_option, as_path, positive, table_address, write_result

_FORGET = "also remove versions older than so many days (default: keep all)"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds one command for each thing that can be done."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    compact_options = _add_action(actions, compact, "FOLDER", "folder of the table")
    compact_options.add_argument("--forget", type=positive, metavar="DAYS", help=_FORGET)
    _add_action(actions, versions, "FOLDER", "folder of the table")
    restore_options = _add_action(actions, restore, "FOLDER", "folder of the table")
    restore_options.add_argument("version", type=positive, metavar="VERSION", help="its number")
    move_options = _add_action(actions, move, "FOLDER", "folder of the index or of the table")
    add = move_options.add_argument
    add(
        "--store",
        required=True,
        choices=("bm25", "lance"),
        help="an index in memory (bm25) or a table (lance)",
    )
    add("--output", required=True, type=as_path, metavar="FOLDER", help="the new folder")
    add_table_option(move_options)
    add("--workers", type=positive, default=1, metavar="N", help="processes that make a table (default: 1)")


def _add_action(actions: Any, run: Callable[[argparse.Namespace], None], source: str, what: str) -> Any:
    parser = add_command(actions, run.__name__, run.__doc__, run)
    parser.add_argument("source", type=as_path, metavar=source, help=what)
    return parser


def compact(arguments: argparse.Namespace) -> None:
    """`right-hf corpus compact`: take up in the indexes what came since, and put small files together.

    Searching goes on meanwhile, but nobody else may have the table open for changes.

    Examples:
      right-hf corpus compact my-table --forget 7
    """
    retriever = _opened(arguments.source)
    try:
        freed = retriever.compact(arguments.forget)
        write_result({"posts": len(retriever.corpus), "freed_bytes": freed})
    finally:
        retriever.close()


def versions(arguments: argparse.Namespace) -> None:
    """`right-hf corpus versions`: list the versions of a table, the latest first.

    Examples:
      right-hf corpus versions my-table
    """
    from right_hf.retriever import LanceRetriever

    for one in LanceRetriever.from_pretrained(arguments.source).versions():
        write_result({"version": one.number, "written": one.written.isoformat(), "posts": one.posts})


def restore(arguments: argparse.Namespace) -> None:
    """`right-hf corpus restore`: go back to an earlier version of a table.

    The versions between stay, so that this can be undone.

    Examples:
      right-hf corpus restore my-table 41
    """
    retriever = _opened(arguments.source)
    try:
        retriever.restore(arguments.version)
        write_result({"posts": len(retriever.corpus)})
    finally:
        retriever.close()


def move(arguments: argparse.Namespace) -> None:
    """`right-hf corpus move`: make a table of an index, or an index of a table.

    The old one stays as it is. Both give the same hits with the same scores.

    Examples:
      right-hf corpus move my-index --store lance --output my-table
    """
    address = table_address(arguments)
    from right_hf.registry import load_component
    from right_hf.retriever import BM25Retriever, LanceRetriever

    old = load_component("retriever", arguments.source)
    if old.type not in ("bm25", "lance") or old.networks:
        raise ValueError(f"{arguments.source} holds a retriever with vectors or of type {old.type!r}; index it again.")
    terms = {"analyser": old.analyser, "k1": old.k1, "b": old.b}
    new: Any
    variants, spellings = old.corpus.forms.variants, old.corpus.spelled_elsewhere
    if arguments.store == "lance":
        from right_hf.bulk.engines import local_engine

        place = {"folder": arguments.output, "address": address, "engine": local_engine(arguments.workers)}
        new = LanceRetriever.from_posts(old.corpus, **place, variants=variants, spellings=spellings, **terms)
    else:
        from right_hf.corpus import Corpus

        new = BM25Retriever(Corpus(old.corpus, variants, spellings), **terms)
        new.save_pretrained(arguments.output)
    write_result({"output": str(arguments.output), "posts": len(new.corpus), "hashtags": len(new.corpus.hashtags)})


def _opened(folder: Path) -> Any:
    from right_hf.retriever import LanceRetriever

    return LanceRetriever.open(folder)
