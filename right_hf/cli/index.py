"""`right-hf index`: build an index of your posts.

Builds a BM25 index of posts with hashtags, which takes the place of a checkpoint's own with --retriever.
Nothing is trained: the same selector and generator work with it.

Hashtags in singular and plural that the posts use alike count as one; the table, variants.tsv in FOLDER, can be read
and corrected there, and takes effect when the index is opened again.

Of a source with several splits the training posts are indexed. The folder appears whole or not at all; an index
that was there is replaced.

Examples:
  right-hf index my-posts.jsonl --output my-index
  right-hf recommend --retriever my-index "a post"
  right-hf index posts-zh.jsonl --analyser chinese --output index-zh
  right-hf index posts.csv --text-column body --hashtags-column tags --separator , --output csv-index
  right-hf index many-posts.jsonl --workers 8 --output large-index
  right-hf index posts.jsonl --licenses MIT CC-BY-4.0 --output open-index
"""

from __future__ import annotations

import argparse
from pathlib import Path

from right_hf.cli.engines import add_engine_options, chosen_engine
from right_hf.cli.options import DATA_HELP, SPLITS, add_data_options, as_path, data_options, write_result


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    add = parser.add_argument
    add("data", metavar="DATA", help=DATA_HELP)
    add("--output", type=Path, required=True, metavar="FOLDER", help="folder of the index")
    analysers = (
        "unicode (any language), english, chinese (pairs of characters) or chinese-words, or unicode+spanish and"
    )
    add("--analyser", default="unicode", help=f"how posts are cut into terms: {analysers} the like (default: unicode)")
    table = parser.add_mutually_exclusive_group().add_argument
    table(
        "--variants", type=as_path, metavar="FILE", help="a table of hashtags that are one (default: made of the posts)"
    )
    table("--no-variants", dest="variants", action="store_false", help="leave singular and plural apart")
    add("--k1", type=float, default=1.5, help="saturation of the term frequency (default: 1.5)")
    add("--b", type=float, default=0.75, help="strength of the length normalisation (default: 0.75)")
    add("--split", choices=SPLITS, help="of a source with several (default: train)")
    add_engine_options(parser)
    add_data_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    engine = chosen_engine(arguments)
    from right_hf.analysis import get_analyser
    from right_hf.corpus import Corpus
    from right_hf.data import load_split
    from right_hf.retriever import BM25Retriever
    from right_hf.spelling.variant_table import read_table
    from right_hf.spelling.variants import propose_merges

    posts = load_split(arguments.data, arguments.split, arguments.licenses, data_options(arguments), engine)
    if arguments.variants is None:
        variants = propose_merges(posts, get_analyser(arguments.analyser))
    else:
        variants = read_table(arguments.variants) if arguments.variants else []
    corpus = Corpus.of_prepared(posts, variants)
    retriever = BM25Retriever(corpus, analyser=arguments.analyser, k1=arguments.k1, b=arguments.b, engine=engine)
    retriever.save_pretrained(arguments.output)
    counts = {"posts": len(posts), "hashtags": len(corpus.hashtags), "variants": len(variants)}
    write_result({"output": str(arguments.output), **counts})
