r"""Trains the selector: triplets of post, hashtag and disturbed hashtag, with the paper's contrastive loss.

    python training/train_selector.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/selector

DATA holds the training posts, in any form that right_hf.data loads. A run that was stopped goes on where it was.
English synonyms come from WordNet's files (`apt-get install wordnet-base`, or --wordnet FOLDER).
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from right_hf.training.build import build_selector
from right_hf.training.recipe import load_recipe


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    recipe = load_recipe(arguments.recipe, arguments.seed)
    build_selector(recipe, recipe.posts(arguments.data, "train"), arguments.output, arguments.wordnet)


if __name__ == "__main__":
    main()
