"""`right-hf card`: write a checkpoint's model card.

Fills the model card of a checkpoint from its own files (parts, licences of the posts, training record), from
results that right-hf evaluate saved, and from the datasheet of its data. Prints it, or with --write puts
README.md and the scores in the Hub's form (.eval_results) into the checkpoint. No network is asked.

Examples:
  right-hf card my-checkpoint
  right-hf evaluate --model my-checkpoint --data DATA/test.jsonl --output results.json
  right-hf card my-checkpoint --results results.json --datasheet datasheet.md --write
  right-hf push model my-checkpoint user/right-en

A datasheet is Markdown with metadata in front:
  ---
  name: my-posts
  language: [en]
  licenses: [CC-BY-4.0]
  examples: [A post to try the model with]
  ---
  Where the posts come from, and what was done with them.
"""

from __future__ import annotations

import argparse
import sys

from right_hf.cli.options import as_path, as_text, write_result


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("checkpoint", type=as_path, metavar="FOLDER", help="folder of the checkpoint")
    add("--results", type=as_path, nargs="+", default=[], metavar="FILE", help="saved by evaluate --output")
    add("--datasheet", type=as_path, metavar="FILE", help="Markdown file that describes the data")
    add("--name", type=as_text, help="the model's name (default: the folder's)")
    add("--write", action="store_true", help="write it into the checkpoint")


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.cards import Results, gather_facts, read_datasheet, render_card, write_card
    from right_hf.persistence import read_object

    results = tuple(Results(path.stem, read_object(path)) for path in arguments.results)
    datasheet = read_datasheet(arguments.datasheet) if arguments.datasheet else None
    facts = gather_facts(arguments.checkpoint, results, datasheet, arguments.name)
    if arguments.write:
        write_result({"written": [str(path) for path in write_card(arguments.checkpoint, facts)]})
    else:
        sys.stdout.write(render_card(facts))
