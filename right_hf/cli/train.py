"""`right-hf train`: selector, generator, ranker and checkpoint, from a recipe and a data folder."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from right_hf.cli.options import add_command, add_group
from right_hf.cli.output import quieten_libraries, write_result

if TYPE_CHECKING:
    from right_hf.posts import Post
    from right_hf.trainers.recipe import Recipe

_DESCRIPTION = """\
Trains the parts of a checkpoint, in this order: retriever (unless it is BM25), selector, generator, ranker (if
wanted), checkpoint. A run that was stopped goes on where it was.

The recipe, one YAML file, decides everything but the data; the smallest is

    language: en
    selector: {encoder: sentence-transformers/all-MiniLM-L6-v2}
    generator: {base: google-t5/t5-small, arguments: {num_train_epochs: 3}}

DATA is a folder with train.jsonl and validation.jsonl, each line with id, text (without hash signs) and
hashtags, or with pairs of .src and .dst files, or a data set of the Hub. pip install 'right_hf[train]' brings
what training needs."""
_EXAMPLES = {
    "retriever": """\
  right-hf train retriever --recipe recipe.yaml --data DATA --output runs/retriever   # for a dense one
""",
    "selector": """\
  right-hf train selector --recipe recipe.yaml --data DATA --output runs/selector
""",
    "generator": """\
  right-hf train generator --recipe recipe.yaml --data DATA --selector runs/selector --output runs/generator
  right-hf train generator --recipe recipe.yaml --data DATA --output runs/seq2seq   # the baseline without retrieval
""",
    "ranker": """\
  right-hf train ranker --recipe recipe.yaml --data DATA --selector runs/selector --generator runs/generator \\
      --output runs/ranker
""",
    "checkpoint": """\
  right-hf train checkpoint --recipe recipe.yaml --data DATA --selector runs/selector --generator runs/generator \\
      --output runs/checkpoint
""",
}
_WORDNET = Path("/usr/share/wordnet")


def add_to(commands: Any) -> None:
    """Adds the command with one command for each part."""
    parser = add_group(
        commands, "train", "train selector and generator, build a checkpoint", _DESCRIPTION, "".join(_EXAMPLES.values())
    )
    parts = parser.add_subparsers(title="parts", metavar="PART", required=True)

    _add_part(parts, "retriever", "index the training posts, after training the encoder of a dense retriever")
    selector = _add_part(parts, "selector", "triplets of post, hashtag and disturbed hashtag, with the paper's loss")
    generator = _add_part(parts, "generator", "posts with retrieved hashtags in, hashtags out")
    generator.add_argument(
        "--selector", type=Path, metavar="FOLDER", help="chooses the retrieved hashtags; without it none are retrieved"
    )
    checkpoint = _add_part(parts, "checkpoint", "index the training posts and fit the fusion on the validation posts")
    ranker = _add_part(parts, "ranker", "trees over features of written and retrieved hashtags, from held-out posts")
    checkpoint.add_argument(
        "--ranker", type=Path, metavar="FOLDER", help="a trained ranker, which takes the place of the fusion"
    )
    for part in (ranker, checkpoint):
        for name in ("selector", "generator"):
            part.add_argument(f"--{name}", type=Path, required=True, metavar="FOLDER", help=f"the trained {name}")
    for part in (generator, ranker):
        part.add_argument(
            "--base",
            type=Path,
            metavar="FOLDER",
            help="what a generator without a named base starts from, made there if it is missing (default: its own)",
        )
    for part in (selector, ranker):
        part.add_argument(
            "--wordnet",
            type=Path,
            default=_WORDNET,
            metavar="FOLDER",
            help="WordNet's files, for English synonyms (default: where apt-get install wordnet-base puts them)",
        )
    for part in (generator, ranker, checkpoint):
        part.add_argument("--retriever", type=Path, metavar="FOLDER", help="a trained retriever; else BM25 is indexed")


def _add_part(parts: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser = add_command(parts, name, summary, f"Makes a {name}: {summary}.", _EXAMPLES[name])
    parser.add_argument("--recipe", type=Path, required=True, metavar="FILE", help="YAML file")
    parser.add_argument("--data", required=True, metavar="DATA", help="folder or data set of the splits")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help=f"folder of the {name}")
    parser.add_argument("--seed", type=int, help="in the place of the recipe's")
    parser.set_defaults(run=run, part=name)
    return parser


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.trainers.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.seed)
    if arguments.part == "generator" and recipe.generator.architecture == "segtrm" and arguments.selector:
        raise argparse.ArgumentTypeError("SEGTRM reads the post alone. Leave out --selector.")
    with redirect_stdout(sys.stderr):  # where the Trainer's log goes
        from right_hf.trainers import build

        quieten_libraries()
        posts = recipe.posts(arguments.data, "train")
        if arguments.part == "retriever":
            build.build_retriever(recipe, posts, arguments.output)
        elif arguments.part == "selector":
            build.build_selector(recipe, posts, arguments.output, arguments.wordnet)
        else:
            validation = recipe.posts(arguments.data, "validation")
            _build_from_parts(arguments, recipe, posts, validation)
    write_result({"output": str(arguments.output), "part": arguments.part, "seed": recipe.seed})


def _build_from_parts(arguments: argparse.Namespace, recipe: Recipe, posts: list[Post], validation: list[Post]) -> None:
    from right_hf.trainers import build

    if arguments.part == "generator":
        held_out = validation[: recipe.generator.validation_posts]
        examples = build.generator_examples(recipe, posts, held_out, arguments.selector, arguments.retriever)
        build.build_generator(recipe, posts, *examples, arguments.output, arguments.base)
        return
    parts = (arguments.selector, arguments.generator, arguments.retriever)
    if arguments.part == "ranker":
        from right_hf.trainers.build_ranker import build_ranker

        build_ranker(recipe, posts, validation, arguments.output, *parts, arguments.wordnet, arguments.base)
    else:
        build.build_checkpoint(recipe, posts, validation, arguments.output, *parts, arguments.ranker)
