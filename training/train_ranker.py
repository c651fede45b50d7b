r"""Trains the ranker: `right-hf train ranker`, from a checkout.

    python training/train_ranker.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --generator runs/tweets-en/generator --output runs/tweets-en/ranker

`right-hf train ranker --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["train", "ranker", *sys.argv[1:]])):
    sys.exit(code)
