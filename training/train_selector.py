r"""Trains the selector: `right-hf train selector`, from a checkout.

    python training/train_selector.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/selector

`right-hf train selector --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["train", "selector", *sys.argv[1:]])):
    sys.exit(code)
