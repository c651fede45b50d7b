r"""Makes the retriever of a recipe: indexes the training posts with BM25, or trains the dense one (SimCSE) and indexes.

    python training/train_retriever.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/retriever

DATA holds train.jsonl with id, text and hashtags on each line. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from right_hf.training.build import build_retriever
from right_hf.training.recipe import load_recipe


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    recipe = load_recipe(arguments.recipe, arguments.seed)
    build_retriever(recipe, recipe.posts(arguments.data, "train"), arguments.output)


if __name__ == "__main__":
    main()
