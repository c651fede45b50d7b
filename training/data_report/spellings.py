r"""Reports how hashtags are shown and which of them are one, as Markdown.

In the folder training:

    python -m data_report.spellings --data DATA [--licenses MIT …] [--surfaces FILE] [--table FILE.tsv]

DATA is a folder of .jsonl files or of .src and .dst files, the id of a data set of the Hub (its train split is looked
at), or a saved BM25 index. --surfaces is the file that `data_report.spelling_counts` reads; --table writes the merges.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from data_report.spelling_counts import load_posts, read_surfaces
from right_hf.posts import Post
from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.style import STYLES, show
from right_hf.spelling.variant_table import write_table
from right_hf.spelling.variants import Merge, propose_merges
from right_hf.text.hashtags import hashtag_key

_EACH = 20
_EXAMPLES = 30


def most_used(posts: Iterable[Post]) -> list[str]:
    """The hashtags of posts, those of most posts first."""
    uses = Counter(hashtag for post in posts for hashtag in post.hashtags)
    return sorted(uses, key=lambda hashtag: (-uses[hashtag], hashtag))


def styles_table(hashtags: Sequence[str], counts: SpellingCounts, each: int = _EACH) -> str:
    """A table of the first hashtags whose common spelling is PascalCase, and of the first for which it is another."""
    same: list[str] = []
    other: list[str] = []
    for hashtag in hashtags:
        if len(same) >= each <= len(other):
            break
        alike = show(hashtag, "common", counts) == show(hashtag, "pascal")
        (same if alike else other).append(hashtag)
    chosen = [*other[:each], *same[:each]]
    rows = [[show(hashtag, style, counts) or "-" for style in STYLES] for hashtag in chosen]
    return _table(STYLES, rows)


def styles_share(hashtags: Sequence[str], counts: SpellingCounts) -> str:
    """How many hashtags have a common spelling other than PascalCase."""
    shown = [(show(hashtag, "common", counts), show(hashtag, "pascal")) for hashtag in hashtags]
    posted = [pair for pair in shown if pair[0] is not None]
    other = sum(common != pascal for common, pascal in posted)
    return (
        f"{len(posted):,} of {len(hashtags):,} hashtags can be posted everywhere; of {other:,} of these "
        f"({100 * other / max(1, len(posted)):.1f} %) the common spelling is not PascalCase."
    )


def merges_report(posts: Sequence[Post], merges: Sequence[Merge]) -> str:
    """The numbers of hashtags that are one, by key and as plurals, with the most used merges."""
    forms = {hashtag for post in posts for hashtag in post.hashtags}
    keys = {hashtag_key(hashtag) for hashtag in forms}
    moved = sum(merge.variant_posts or 0 for merge in merges)
    numbers = (
        f"{len(forms):,} hashtags have {len(keys):,} keys: {len(forms) - len(keys):,} are merged by key alone. "
        f"{len(merges):,} more are plural or singular of another that is used alike ({moved:,} posts)."
    )
    shown = sorted(merges, key=lambda merge: (-(merge.variant_posts or 0), merge.variant))[:_EXAMPLES]
    titles = ("variant", "main", "posts of variant", "posts of main", "similarity")
    rows = [[merge.variant, merge.main, *map(_cell, (merge.variant_posts, merge.main_posts))] for merge in shown]
    return numbers + "\n\n" + _table(titles, [[*row, _cell(m.similarity)] for row, m in zip(rows, shown, strict=True)])


def _cell(value: Any) -> str:
    return "-" if value is None else str(value)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, counts, prints and saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--licenses", nargs="+", help="only posts under these licences")
    parser.add_argument("--surfaces", type=Path, help="spellings and their uses")
    parser.add_argument("--table", type=Path, help="write the merges there")
    args = parser.parse_args(arguments)
    posts = load_posts(args.data, args.licenses)
    hashtags = most_used(posts)
    counts = read_surfaces(args.surfaces) if args.surfaces else SpellingCounts()
    merges = propose_merges(posts)
    parts = [styles_share(hashtags, counts), styles_table(hashtags, counts), merges_report(posts, merges)]
    sys.stdout.write("\n\n".join(parts) + "\n")
    if args.table:
        write_table(args.table, merges)


if __name__ == "__main__":
    main()
