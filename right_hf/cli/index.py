"""`right-hf index`: posts become a retriever's index."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from right_hf.cli.options import DATA_HELP, SPLITS, add_command, add_data_options, data_options
from right_hf.cli.output import write_result

_DESCRIPTION = """\
Builds a BM25 index of posts with hashtags, which takes the place of a checkpoint's own with --retriever.
Nothing is trained: the same selector and generator work with it.

Of a source with several splits the training posts are indexed. The folder appears whole or not at all; an index
that was there is replaced."""
_EXAMPLES = """\
  right-hf index my-posts.jsonl --output my-index
  right-hf recommend --retriever my-index "a post"
  right-hf index posts-zh.jsonl --analyser chinese --output index-zh
  right-hf index posts.csv --text-column body --hashtags-column tags --separator , --output csv-index
  right-hf index posts.jsonl --licenses MIT CC-BY-4.0 --output open-index
"""


def add_to(commands: Any) -> None:
    """Adds the command."""
    parser = add_command(commands, "index", "build an index of your posts", _DESCRIPTION, _EXAMPLES)
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="folder of the index")
    parser.add_argument(
        "--analyser",
        default="english",
        help="how posts are cut into terms: english, chinese (pairs of characters) or chinese-words (default: english)",
    )
    parser.add_argument("--k1", type=float, default=1.5, help="saturation of the term frequency (default: 1.5)")
    parser.add_argument("--b", type=float, default=0.75, help="strength of the length normalisation (default: 0.75)")
    parser.add_argument("--split", choices=SPLITS, help="of a source with several (default: train)")
    add_data_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.data import load_split
    from right_hf.retriever import BM25Retriever

    posts = load_split(arguments.data, arguments.split, arguments.licenses, data_options(arguments))
    retriever = BM25Retriever.from_posts(posts, analyser=arguments.analyser, k1=arguments.k1, b=arguments.b)
    retriever.save_pretrained(arguments.output)
    hashtags = len(retriever.corpus.hashtags)
    write_result({"output": str(arguments.output), "posts": len(posts), "hashtags": hashtags})
