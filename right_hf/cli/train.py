r"""`right-hf train`: train a checkpoint or a part of one.

Trains the parts of a checkpoint, in this order: retriever (unless it is BM25), selector, generator, ranker (if
wanted), checkpoint. A run that was stopped goes on where it was.

The recipe, one YAML file, decides everything but the data; the smallest is

    language: en
    selector: {encoder: sentence-transformers/all-MiniLM-L6-v2}
    generator: {base: google-t5/t5-small, arguments: {num_train_epochs: 3}}

DATA has training and validation posts. pip install 'right_hf[train]' brings what training needs, and
'right_hf[llm]' what LLMs need besides.

Examples:
  right-hf train retriever --recipe recipe.yaml --data DATA --output runs/retriever   # for a dense one
  right-hf train selector --recipe recipe.yaml --data DATA --output runs/selector
  right-hf train generator --recipe recipe.yaml --data DATA --selector runs/selector --output runs/generator
  right-hf train generator --recipe recipe.yaml --data DATA --output runs/seq2seq   # the baseline without retrieval
  right-hf train generator --recipe llm.yaml --data DATA --selector runs/selector --start runs/llm \
      --output runs/llm-grpo   # a tuned LLM goes on with GRPO
  right-hf train ranker --recipe recipe.yaml --data DATA --selector runs/selector --generator runs/generator \
      --output runs/ranker
  right-hf train checkpoint --recipe recipe.yaml --data DATA --selector runs/selector --generator runs/generator \
      --output runs/checkpoint
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import redirect_stdout
from functools import partial

from right_hf.cli.options import DATA_HELP, add_command, add_data_options, as_path, data_options, positive, write_result
from right_hf.layout import ROLES
from right_hf.workers import in_order

#: In the order in which they are made: a part is trained with those before it.
_SUMMARIES = {
    "retriever": "index the training posts, after training the encoder of a dense retriever",
    "selector": "triplets of post, hashtag and disturbed hashtag, with the paper's loss",
    "generator": "posts with retrieved hashtags in, hashtags out",
    "ranker": "an order of written and retrieved hashtags, learnt from held-out posts",
    "checkpoint": "index the training posts and put the parts together",
}
#: Those that are trained on what is found for each training post.
_SEARCHING = ("retriever", "generator")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds one command for each part and one for the whole; of the examples above each shows its own."""
    parts = parser.add_subparsers(title="parts", metavar="PART", required=True)
    for place, (name, summary) in enumerate(_SUMMARIES.items()):
        before = ROLES[:place]
        examples = "".join(re.findall(rf"  right-hf train {name} (?:.*\\\n)?.*\n", __doc__ or ""))
        part = add_command(parts, name, f"Makes a {name}: {summary}.\n\nExamples:\n{examples}", run_part)
        add = part.add_argument
        add("--recipe", type=as_path, required=True, metavar="FILE", help="YAML file")
        add("--data", required=True, metavar="DATA", help=DATA_HELP)
        add("--output", type=as_path, required=True, metavar="FOLDER", help=f"folder of the {name}")
        add("--seed", type=int, help="in the place of the recipe's")
        for role in before:
            add(f"--{role}", type=as_path, metavar="FOLDER", help=f"folder of the trained {role}")
        if name in _SEARCHING:
            what = "processes that search for training posts, on the CPU (default: 1)"
            add("--workers", type=positive, default=1, metavar="N", help=what)
        if name == "generator":
            add("--start", type=as_path, metavar="FOLDER", help="a tuned LLM, which goes on with GRPO")
        add_data_options(part, licenses=False)
        part.set_defaults(part=name, folders=(*before, "start"))


def run_part(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.trainers.recipe import load_recipe

    recipe = load_recipe(arguments.recipe, arguments.seed)
    with redirect_stdout(sys.stderr):  # where the Trainer's log goes
        from right_hf.trainers.build import build_checkpoint, build_component
        from right_hf.trainers.job import Job

        engine = partial(in_order, workers=getattr(arguments, "workers", 1))
        options = data_options(arguments)
        posts = recipe.posts(arguments.data, "train", options)
        # Neither retriever nor selector looks at the validation posts, so there need not be any.
        needed = arguments.part not in ("retriever", "selector")
        validation = recipe.posts(arguments.data, "validation", options) if needed else []
        folders = {name: folder for name in arguments.folders if (folder := getattr(arguments, name, None)) is not None}
        job = Job(recipe, posts, validation, arguments.output, folders, engine=engine)
        if arguments.part == "checkpoint":
            build_checkpoint(job)
        else:
            build_component(arguments.part, job)
    write_result({"output": str(arguments.output), "part": arguments.part, "seed": recipe.seed})
