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
from functools import partial
from pathlib import Path

from right_hf.analysis import get_analyser
from right_hf.generator import Seq2SeqGenerator
from right_hf.generator.prompt import SeparatorFormat
from right_hf.persistence import atomic_folder, read_object, write_json
from right_hf.posts import Post
from right_hf.provenance import provenance
from right_hf.selector import BiEncoderSelector
from right_hf.training.bases import generator_base, recipe_retriever
from right_hf.training.examples import GeneratorExample, augmented_examples, plain_examples
from right_hf.training.generator import train_generator
from right_hf.training.recipe import Recipe, load_recipe
from right_hf.training.runs import claim_run, run_identity


def build_examples(
    recipe: Recipe,
    train: list[Post],
    validation: list[Post],
    selector_folder: Path | None,
    retriever_folder: Path | None = None,
) -> tuple[list[GeneratorExample], list[GeneratorExample]]:
    """Training and validation examples, retrieval-augmented if a selector is given."""
    if selector_folder is None:
        return plain_examples(train), plain_examples(validation)
    settings = recipe.retriever
    retriever = recipe_retriever(recipe, train, retriever_folder)
    selector = BiEncoderSelector.from_pretrained(selector_folder)
    augment = partial(
        augmented_examples,
        retriever=retriever,
        selector=selector,
        hits=settings.hits,
        hashtags=recipe.selector.hashtags,
    )
    return augment(train, unseen_under=get_analyser(settings.analyser)), augment(validation)


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
    origin = provenance(recipe.as_dict(), recipe.seed)
    settings = recipe.generator
    train = recipe.posts(arguments.data, "train")
    validation = recipe.posts(arguments.data, "validation")[: settings.validation_posts]
    train_examples, validation_examples = build_examples(
        recipe, train, validation, arguments.selector, arguments.retriever
    )
    checkpoints = arguments.output.with_name(f"{arguments.output.name}-checkpoints")
    selector = read_object(arguments.selector / "training.json") if arguments.selector else None
    others = {"selector": selector}
    if arguments.retriever:
        others["retriever"] = read_object(arguments.retriever / "training.json")
    claim_run(checkpoints, run_identity(recipe, train, **others))
    model, tokenizer = generator_base(settings, train, recipe.seed, checkpoints / "tokenizer")
    form = SeparatorFormat(tokenizer, settings.max_source_length, settings.max_target_length)
    log = train_generator(
        model,
        form,
        train_examples,
        validation_examples,
        checkpoints,
        settings.arguments,
        recipe.seed,
        settings.token_dropout,
        settings.embedding_factor,
    )
    with atomic_folder(arguments.output) as folder:
        generator = Seq2SeqGenerator(model.half(), tokenizer, settings.max_source_length, settings.max_target_length)
        generator.save_pretrained(folder)
        facts = {"retrieval": arguments.selector is not None, "posts": len(train)}
        write_json(folder / "training.json", {**origin, **facts, **log})


if __name__ == "__main__":
    main()
