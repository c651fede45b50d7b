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

from right_hf.persistence import atomic_folder, write_json
from right_hf.provenance import provenance
from right_hf.selector import BiEncoderSelector
from right_hf.training.bases import encoder_base
from right_hf.training.recipe import load_recipe
from right_hf.training.runs import claim_run, run_identity
from right_hf.training.selector import train_selector
from right_hf.training.triplets import selector_triplets
from right_hf.training.wordnet import load_synonyms, no_synonyms


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
    origin = provenance(recipe.as_dict(), recipe.seed)
    posts = recipe.posts(arguments.data, "train")
    synonyms = load_synonyms(arguments.wordnet) if recipe.language == "en" else no_synonyms
    triplets = selector_triplets(posts, synonyms, recipe.seed, recipe.language)
    model = encoder_base(recipe.selector, posts, recipe.seed)
    checkpoints = arguments.output.with_name(f"{arguments.output.name}-checkpoints")
    claim_run(checkpoints, run_identity(recipe, posts))
    log = train_selector(model, triplets, checkpoints, recipe.selector.arguments, recipe.seed)
    with atomic_folder(arguments.output) as folder:
        BiEncoderSelector(model.half(), recipe.selector.hit_scale).save_pretrained(folder)
        write_json(folder / "training.json", {**origin, **log})


if __name__ == "__main__":
    main()
