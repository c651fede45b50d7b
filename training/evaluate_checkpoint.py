r"""Evaluates a checkpoint and prints the table: `right-hf evaluate --table`, from a checkout.

    python training/evaluate_checkpoint.py --checkpoint runs/tweets-en/checkpoint --data DATA/test.jsonl \
        --seq2seq runs/tweets-en/seq2seq --output runs/tweets-en/results.json

`right-hf evaluate --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["evaluate", "--table", *sys.argv[1:]])):
    sys.exit(code)
