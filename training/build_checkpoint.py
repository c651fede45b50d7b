r"""Builds the composite checkpoint: index of the training posts, selector, generator, and the fitted fusion.

    python training/build_checkpoint.py --recipe training/configs/tweets-en.yaml --data DATA \
        --selector runs/tweets-en/selector --generator runs/tweets-en/generator --output runs/tweets-en/checkpoint

DATA holds training posts, which are indexed, and validation posts, on which the fusion is fitted, in any form that
right_hf.data loads.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

from right_hf import BiEncoderSelector, RightConfig, RightModel, Seq2SeqGenerator
from right_hf.configuration_right import COMPONENTS
from right_hf.evaluation import run_right
from right_hf.persistence import read_json
from right_hf.provenance import provenance
from right_hf.training.bases import recipe_retriever
from right_hf.training.calibration import fit_fusion
from right_hf.training.recipe import load_recipe


def main() -> None:
    """Reads the command line and builds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    for name in ("recipe", "selector", "generator", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--retriever", type=Path, help="a trained retriever; without it BM25 is indexed")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    recipe = load_recipe(arguments.recipe, arguments.seed)
    origin = provenance(recipe.as_dict(), recipe.seed)
    train = recipe.posts(arguments.data, "train")
    retriever = recipe_retriever(recipe, train, arguments.retriever)
    selector = BiEncoderSelector.from_pretrained(arguments.selector)
    generator = Seq2SeqGenerator.from_pretrained(arguments.generator)
    config = RightConfig(
        hits=recipe.retriever.hits, context_hashtags=recipe.selector.hashtags, language=recipe.language
    )
    model = RightModel(config, retriever, selector, generator)

    validation = recipe.posts(arguments.data, "validation")
    weights = fit_fusion(validation, run_right(model, validation))
    config.fusion = asdict(weights)
    model = RightModel(config, retriever, selector, generator)
    folders = {name: getattr(arguments, name) for name in COMPONENTS}
    history = {name: read_json(folder / "training.json") for name, folder in folders.items() if folder is not None}
    model.records["training.json"] = json.dumps({**origin, **history}, indent=2) + "\n"
    generator.model.half()  # as it was saved by its training; loading brings back the same float32 values
    model.save_pretrained(arguments.output)


if __name__ == "__main__":
    main()
