r"""Builds the composite checkpoint: `right-hf train checkpoint`, from a checkout.

    python training/build_checkpoint.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --generator runs/tweets-en/generator --output runs/tweets-en/checkpoint

`right-hf train checkpoint --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["train", "checkpoint", *sys.argv[1:]])):
    sys.exit(code)
