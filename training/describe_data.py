r"""Describes a data set: the statistics of the paper's Table 1, coverage by the training posts, leaks between splits.

    python training/describe_data.py --data DATA [--language en] [--output FILE.json]

DATA is a folder of .jsonl files or of .src and .dst files (THG, WHG), or the id of a data set of the Hub; lengths are
counted in words, with --language zh in characters.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from data_report import describe

from right_hf.data import load_splits
from right_hf.persistence import write_json
from right_hf.provenance import provenance


def main() -> None:
    """Reads the command line, loads, prints and saves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--language", choices=("en", "zh"), help="default: what most posts are in")
    parser.add_argument("--licenses", nargs="+", help="only posts under these licences")
    parser.add_argument("--output", type=Path, help="write the figures there as JSON too")
    arguments = parser.parse_args()

    report = describe(load_splits(arguments.data, arguments.licenses), arguments.language)
    sys.stdout.write(report.markdown() + "\n")
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        write_json(arguments.output, {**provenance({"licenses": arguments.licenses}), **report.as_dict()})


if __name__ == "__main__":
    main()
