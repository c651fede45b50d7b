r"""Trains the generator, or without --selector the baseline: `right-hf train generator`, from a checkout.

    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --output runs/tweets-en/generator
    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/seq2seq

`right-hf train generator --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["train", "generator", *sys.argv[1:]])):
    sys.exit(code)
