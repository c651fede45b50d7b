r"""Reproduces the paper's tables on your own copy of its data, or on any data set with a plan.

    python training/reproduce.py --smoke               # every table in small, on posts of this repository
    python training/reproduce.py --dataset tweets-en --data DATA --table 3
    python training/reproduce.py --dataset tweets-en --data DATA --table figure-3 --protocol full
    python training/reproduce.py --dataset tweets-en --data DATA --table llm   # an LLM tuned with and without retrieval

The plan is training/configs/reproduce/DATASET.yaml, or --plan FILE; DATA is a folder in a form that right_hf.data loads
(by default data/DATASET, or the folder DATASET in $RIGHT_HF_DATA). Everything made on the way is kept in --work: a run
that was stopped goes on there, another table takes what is there, and several runs may share it (one with --seeds 0,
one with --seeds 1). Results go to --output: JSON, Markdown and figures.

The rows of a chat model need --chat-model: a folder or Hub id, run on this machine; with --chat-base-url the name of a
model on that OpenAI-compatible server, which then reads the posts. Without it they stand in the table as not run.

--smoke runs every row with tiny models, to see that all of it works; the numbers are of no use. It needs no data of
your own, takes a few of the posts if it is given some, and keeps nothing unless --work or --output say where.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from reproduction.experiment import Experiment
from reproduction.plan import Plan, load_plan, merged
from reproduction.report import Report
from reproduction.smoke import SHOWN, few_posts, shown_posts
from reproduction.tables import TABLES

from right_hf.generator import AnswerStore, ChatGenerator, DecoderGenerator, Generator, HubChatClient
from right_hf.generator.decoder_base import load_base
from right_hf.posts import Post

ROOT = Path(__file__).parent
_PLANS = ROOT / "configs" / "reproduce"
_SPLITS = ("train", "validation", "test")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", help="names plan, data and results; with --smoke it may be left out")
    parser.add_argument("--table", nargs="+", choices=list(TABLES), help="with --smoke by default all of them")
    parser.add_argument("--data", help="folder or data set of the splits")
    parser.add_argument("--plan", type=Path, metavar="FILE")
    parser.add_argument("--protocol", choices=("small", "full"), default="small")
    parser.add_argument("--seeds", type=int, nargs="+", help="in the place of the plan's")
    parser.add_argument("--rows", nargs="+", metavar="SYSTEM", help="run only these; the others are marked as not run")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="keeps what is made (default: runs/reproduce)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="of results (default: training/results)")
    parser.add_argument("--wordnet", metavar="FOLDER", help="WordNet's files, in the place of the plan's")
    parser.add_argument("--chat-model", metavar="MODEL")
    parser.add_argument("--chat-base-url", metavar="URL")
    parser.add_argument("--smoke", action="store_true", help="tiny models of training/configs/reproduce/smoke.yaml")
    arguments = parser.parse_args()
    if not arguments.smoke and not (arguments.dataset and arguments.table):
        parser.error("give --dataset and --table, or --smoke to see all tables in small")
    arguments.table = arguments.table or list(TABLES)
    if arguments.rows and len(arguments.table) > 1:
        parser.error(f"--rows are those of one --table, got {', '.join(arguments.table)}. Give one.")
    return arguments


def _chat(arguments: argparse.Namespace, language: str, answers: Path) -> Generator | None:
    """The chat model, or None; the answers of one behind a server are kept."""
    if arguments.chat_model is None:
        return None
    if arguments.chat_base_url:
        client = HubChatClient(arguments.chat_model, base_url=arguments.chat_base_url)
        return ChatGenerator(client, language, AnswerStore(answers))
    return DecoderGenerator(*load_base(arguments.chat_model), language, template="paper")


def _plan(arguments: argparse.Namespace) -> Plan:
    """The plan asked for; with --smoke the small one, in the language of the data set's own."""
    own = _PLANS / f"{arguments.dataset}.yaml"
    changes: dict[str, Any] = {"selector": {"wordnet": arguments.wordnet}} if arguments.wordnet else {}
    if arguments.plan or not arguments.smoke:
        return load_plan(arguments.plan or own, arguments.protocol, changes)
    if own.is_file():
        recipe = load_plan(own, arguments.protocol).recipe
        language = {"language": recipe.language, "retriever": {"analyser": recipe.retriever.analyser}}
        changes = merged(changes, language)
    return load_plan(_PLANS / "smoke.yaml", arguments.protocol, changes)


def _data(arguments: argparse.Namespace, plan: Plan) -> str | dict[str, list[Post]]:
    """The source of the posts; with --smoke a few of them."""
    if arguments.smoke and not (arguments.dataset or arguments.data):
        return few_posts(shown_posts())
    folder = Path(os.environ.get("RIGHT_HF_DATA", "data")) / str(arguments.dataset)
    source = arguments.data or str(folder)
    return few_posts({split: plan.recipe.posts(source, split) for split in _SPLITS}) if arguments.smoke else source


def main() -> None:
    """Reads the command line, runs what is missing, prints and saves the tables."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO)
    plan = _plan(arguments)
    if arguments.seeds:
        plan = plan.with_seeds(tuple(arguments.seeds))
    data = _data(arguments, plan)
    name = f"{arguments.dataset or SHOWN}-{'smoke' if arguments.smoke else arguments.protocol}"
    work, output = Path("runs/reproduce"), ROOT / "results" / "reproduction"
    with ExitStack() as scratch:
        if arguments.smoke:
            torch.set_num_threads(1)  # several lose more time on models so tiny than they gain
            passing = Path(scratch.enter_context(tempfile.TemporaryDirectory()))
            work, output = passing / "work", passing / "results"
        work, output = arguments.work or work, arguments.output or output
        chat = _chat(arguments, plan.recipe.language, work / f"{name}-chat.jsonl")
        experiment = Experiment(plan, data, work / name, chat)
        report = Report(experiment, output / name, arguments.rows)
        for table in arguments.table:
            sys.stdout.write(f"# {table}\n\n{TABLES[table](report)}\n\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
