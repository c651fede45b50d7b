r"""Makes the retriever of a recipe: indexes the training posts with BM25, or trains the dense one (SimCSE) and indexes.

    python training/train_retriever.py --recipe training/configs/tweets-en.yaml --data DATA \
        --output runs/tweets-en/retriever

DATA holds train.jsonl with id, text and hashtags on each line. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from right_hf.analysis import get_analyser
from right_hf.corpus import Corpus
from right_hf.encoders import embed_in_parts
from right_hf.persistence import atomic_folder, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.retriever import BM25Retriever, DenseRetriever, Retriever
from right_hf.training.bases import encoder_base, recipe_retriever
from right_hf.training.recipe import Recipe, load_recipe
from right_hf.training.runs import claim_run, run_identity
from right_hf.training.simcse import retriever_triplets, train_retriever


def dense_retriever(recipe: Recipe, posts: list[Post], checkpoints: Path) -> tuple[Retriever, dict[str, Any]]:
    """Trains the encoder and indexes the posts; the second value is the Trainer's log."""
    settings = recipe.retriever
    claim_run(checkpoints, run_identity(recipe, posts))
    encoder = encoder_base(settings, posts, recipe.seed)
    log: dict[str, Any] = {"steps": 0, "triplets": 0}
    if settings.triplets != 0:
        bm25 = BM25Retriever.from_posts(posts, analyser=settings.analyser, k1=settings.k1, b=settings.b)
        analyse = get_analyser(settings.analyser)
        triplets = retriever_triplets(posts, bm25, analyse, recipe.seed, settings.triplets, settings.hits)
        trained = train_retriever(encoder, triplets, checkpoints, settings.arguments, recipe.seed)
        log = {**trained, "triplets": len(triplets)}
    corpus = Corpus(posts)
    vectors = embed_in_parts(encoder, [post.text for post in corpus], checkpoints / "vectors")
    return DenseRetriever(corpus, encoder, settings.index, vectors), log


def main() -> None:
    """Reads the command line and makes the retriever."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    recipe = load_recipe(arguments.recipe, arguments.seed)
    origin = provenance(recipe.as_dict(), recipe.seed)
    posts = recipe.posts(arguments.data, "train")
    retriever, log = (
        dense_retriever(recipe, posts, arguments.output.with_name(f"{arguments.output.name}-checkpoints"))
        if recipe.retriever.type == "dense"
        else (recipe_retriever(recipe, posts), {})
    )
    with atomic_folder(arguments.output) as folder:
        retriever.save_pretrained(folder)
        write_json(folder / "training.json", {**origin, "posts": len(posts), **log})


if __name__ == "__main__":
    main()
