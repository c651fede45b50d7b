r"""Tunes a decoder-only LLM as the generator with TRL, on prompts with the hashtags that the selector chooses.

With LoRA, where the recipe has `lora` under `generator`; the folder then holds the adapter and names its base:

    python training/train_llm.py --recipe training/configs/llm-lora.yaml --data DATA \
        --selector runs/tweets-en/selector --output runs/llm/right

The whole model, without `lora`; a tuning without retrieval, for comparison, without --selector:

    python training/train_llm.py --recipe training/configs/llm-full.yaml --data DATA --output runs/llm/plain

On several GPUs or machines it runs as it is:

    accelerate launch --config_file training/configs/accelerate/multi_gpu.yaml training/train_llm.py --recipe …

Then GRPO, from what was tuned; the reward is F1 against the gold hashtags (right_hf.trainers.rewards):

    python training/train_llm.py --recipe training/configs/llm-lora.yaml --data DATA \
        --selector runs/tweets-en/selector --grpo runs/llm/right --output runs/llm/right-grpo

A recipe without `base` starts from a small LLM of its own, pretrained on the training posts by one process:

    python training/train_llm.py --recipe training/configs/tweets-en-llm.yaml --data DATA --make-base runs/llm/base

and --base runs/llm/base takes it. A run that was stopped goes on where it was. training/build_checkpoint.py makes a
checkpoint of the result, as of any generator. Losses and scores go where `report_to` in the recipe's `arguments` says
(trackio, wandb, tensorboard).
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from right_hf.trainers.bases import generator_base
from right_hf.trainers.build import build_generator, build_grpo, generator_examples
from right_hf.trainers.recipe import load_recipe


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--data", required=True, help="folder or data set of the splits")
    parser.add_argument("--output", type=Path, help="the generator's folder")
    parser.add_argument("--selector", type=Path, help="chooses the hashtags beside posts; without it there are none")
    parser.add_argument("--retriever", type=Path, help="a trained retriever; else BM25 is indexed")
    parser.add_argument("--base", type=Path, help="the folder that --make-base wrote")
    parser.add_argument("--make-base", type=Path, metavar="FOLDER", help="only pretrain a base, into this folder")
    parser.add_argument("--grpo", type=Path, metavar="FOLDER", help="go on with the tuned LLM in this folder")
    parser.add_argument("--seed", type=int, help="in the place of the recipe's")
    arguments = parser.parse_args()
    if (arguments.output is None) == (arguments.make_base is None):
        parser.error("give either --output or --make-base")
    return arguments


def main() -> None:
    """Reads the command line and trains."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO)
    recipe = load_recipe(arguments.recipe, arguments.seed)
    if recipe.generator.architecture != "decoder":
        sys.exit(f"{arguments.recipe} is no recipe of an LLM: generator.architecture must be 'decoder'.")
    posts = recipe.posts(arguments.data, "train")
    if arguments.make_base:
        generator_base(recipe.generator, posts, recipe.seed, arguments.make_base, recipe.language)
        return
    validation = recipe.posts(arguments.data, "validation")[: recipe.generator.validation_posts]
    examples = generator_examples(recipe, posts, validation, arguments.selector, arguments.retriever)
    if arguments.grpo:
        build_grpo(recipe, posts, *examples, arguments.output, arguments.grpo, arguments.base)
    else:
        build_generator(recipe, posts, *examples, arguments.output, arguments.base)


if __name__ == "__main__":
    main()
