"""`right-hf index`: build an index of your posts.

Builds a BM25 index of posts with hashtags, which takes the place of a checkpoint's own with --retriever.
Nothing is trained: the same selector and generator work with it.

Hashtags in singular and plural that the posts use alike count as one; the table, variants.tsv in FOLDER, can be read
and corrected there, and takes effect when the index is opened again.

With --store lance the posts go into a table on disk or, with --table, in an object store. Little of it is in memory,
and many processes may read it; variants.tsv is made of its first 100,000 posts. right-hf corpus compacts it, goes back
to earlier versions, and makes an index in memory of it. That takes pip install 'right_hf[lance]'.

Of a source with several splits the training posts are indexed. The folder appears whole or not at all; an index
that was there is replaced.

Examples:
  right-hf index my-posts.jsonl --output my-index
  right-hf recommend --retriever my-index "a post"
  right-hf index posts-zh.jsonl --analyser chinese --output index-zh
  right-hf index posts.csv --text-column body --hashtags-column tags --separator , --output csv-index
  right-hf index many-posts.jsonl --workers 8 --output large-index
  right-hf index posts.jsonl --licenses MIT CC-BY-4.0 --output open-index
  right-hf index posts.jsonl --store lance --output table
  right-hf index posts.jsonl --store lance --table s3://bucket/corpus --output table
"""

from __future__ import annotations

import argparse
from itertools import chain, islice
from pathlib import Path

from right_hf.cli.engines import add_engine_options, chosen_engine
from right_hf.cli.options import (
    DATA_HELP,
    SPLITS,
    add_data_options,
    add_table_option,
    as_path,
    data_options,
    table_address,
    write_result,
)

#: Posts of a table from which it is told which hashtags are one.
_TELLING = 100_000


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
    add("--store", choices=("bm25", "lance"), default="bm25", help="in memory (bm25, the default) or a table (lance)")
    add_table_option(parser)
    add("--split", choices=SPLITS, help="of a source with several (default: train)")
    add_engine_options(parser)
    add_data_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    address = table_address(arguments)
    engine = chosen_engine(arguments)
    from right_hf.analysis import get_analyser
    from right_hf.corpus import Corpus
    from right_hf.data import iter_split, load_split
    from right_hf.retriever import BM25Retriever, LanceRetriever, Retriever
    from right_hf.spelling.variant_table import read_table
    from right_hf.spelling.variants import propose_merges

    source = (arguments.data, arguments.split, arguments.licenses, data_options(arguments), engine)
    # Posts of a table are never in memory together, so that the first ones tell which hashtags are one.
    posts = iter_split(*source) if arguments.store == "lance" else iter(load_split(*source))
    first = list(islice(posts, _TELLING) if arguments.store == "lance" else posts)
    if arguments.variants is None:
        variants = propose_merges(first, get_analyser(arguments.analyser))
    else:
        variants = read_table(arguments.variants) if arguments.variants else []
    terms = {"analyser": arguments.analyser, "k1": arguments.k1, "b": arguments.b}
    if arguments.store == "lance":
        place = {"folder": arguments.output, "address": address}
        retriever: Retriever = LanceRetriever.from_posts(
            chain(first, posts), **place, variants=variants, engine=engine, **terms
        )
    else:
        retriever = BM25Retriever(Corpus.of_prepared(first, variants), **terms, engine=engine)
        retriever.save_pretrained(arguments.output)
    corpus = retriever.corpus
    counts = {"posts": len(corpus), "hashtags": len(corpus.hashtags), "variants": len(variants)}
    write_result({"output": str(arguments.output), **counts})
