r"""Trains the sequence-to-sequence generator on posts with retrieved hashtags, or without them (Seq2Seq).

    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --output runs/tweets-en/generator
    python training/train_generator.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/seq2seq

DATA holds training and validation posts, in any form that right_hf.data loads. Without --selector nothing is
retrieved: same model, same number of steps. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from right_hf.training.build import build_generator, generator_examples
from right_hf.training.recipe import load_recipe


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--selector", type=Path)
    parser.add_argument("--retriever", type=Path, help="a trained retriever; without it BM25 is indexed")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    recipe = load_recipe(arguments.recipe, arguments.seed)
    if recipe.generator.architecture == "segtrm" and arguments.selector:
        parser.error("SEGTRM reads the post alone. Leave out --selector.")
    posts = recipe.posts(arguments.data, "train")
    validation = recipe.posts(arguments.data, "validation")[: recipe.generator.validation_posts]
    examples = generator_examples(recipe, posts, validation, arguments.selector, arguments.retriever)
    build_generator(recipe, posts, *examples, arguments.output)


if __name__ == "__main__":
    main()
