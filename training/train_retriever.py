r"""Makes the retriever of a recipe: `right-hf train retriever`, from a checkout.

python training/train_retriever.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/retriever

`right-hf train retriever --help` explains the options.
"""

import sys

from right_hf.cli import main

if __name__ == "__main__" and (code := main(["train", "retriever", *sys.argv[1:]])):
    sys.exit(code)
