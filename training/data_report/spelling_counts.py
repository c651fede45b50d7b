r"""Counts the spellings of a corpus' hashtags, from sources that may be published.

In the folder training:

    python -m data_report.spelling_counts --surfaces FILE --data DATA --output FOLDER

FILE has a line {"hashtag": …, "surfaces": {spelling: uses}, "licensed": {spelling: uses}} for each hashtag; only the
licensed uses are taken, of the hashtags of DATA alone, and written to FOLDER as spellings.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from right_hf.data import load_splits
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.spelling.counts import SpellingCounts
from right_hf.text.hashtags import hashtag_key


def read_surfaces(path: Path, field: str = "surfaces", keys: Collection[str] | None = None) -> SpellingCounts:
    """The counts of a file of spellings: all ("surfaces") or those that may be published ("licensed").

    Args:
        path: A JSONL file.
        field: Which counts of a line to take.
        keys: Only hashtags of these keys.

    Raises:
        ValueError: A line is damaged; the message names it.
    """
    counts = SpellingCounts()
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                for spelling, uses in json.loads(line)[field].items():
                    if keys is None or hashtag_key(spelling) in keys:
                        counts.add(spelling, uses)
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: no counts in {field!r} ({error!r}).") from error
    return counts


def load_posts(source: str, licenses: Collection[str] | None = None) -> list[Post]:
    """The training posts of a data set (all posts of the first split where it has none), or those of a BM25 index."""
    if (Path(source) / "retriever_config.json").is_file():
        posts = BM25Retriever.from_pretrained(source).corpus
        return [post for post in posts if licenses is None or post.license in licenses]
    splits = load_splits(source, licenses)
    return splits.get("train") or next(iter(splits.values()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, counts and saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surfaces", type=Path, required=True)
    parser.add_argument("--data", required=True, help="a data set, or the folder of a saved BM25 index")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args(arguments)
    keys = {hashtag_key(hashtag) for post in load_posts(args.data) for hashtag in post.hashtags}
    counts = read_surfaces(args.surfaces, "licensed", keys)
    args.output.mkdir(parents=True, exist_ok=True)
    counts.save(args.output)
    sys.stdout.write(f"{len(counts):,} of {len(keys):,} hashtags have licensed spellings.\n")


if __name__ == "__main__":
    main()
