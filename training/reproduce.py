r"""Reproduces the paper's tables on your own copy of its data, or on any data set with a plan.

    python training/reproduce.py --dataset tweets-en --data DATA --table 3
    python training/reproduce.py --dataset tweets-en --data DATA --table figure-3 --protocol full
    python training/reproduce.py --dataset tweets-en --data DATA --table llm   # an LLM tuned with and without retrieval
    python training/reproduce.py --dataset tweets-en --data DATA --table generators   # the plan's generators

The plan is training/configs/reproduce/DATASET.yaml, or --plan FILE; DATA is a folder in a form that right_hf.data loads
(by default data/DATASET, or the folder DATASET in $RIGHT_HF_DATA). Everything made on the way is kept in --work: a run
that was stopped goes on there, another table takes what is there, and several runs may share it (one with --seeds 0,
one with --seeds 1). Results go to --output: JSON, Markdown and figures.

The rows of a chat model need --chat-model: a folder or Hub id, run on this machine; with --chat-base-url the name of a
model on that OpenAI-compatible server, which then reads the posts. Without it they stand in the table as not run.
--smoke runs every row in small, on a few of the posts, to see that all of it works.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from right_hf import Post
from right_hf.data import small
from right_hf.generator.chat_store import AnswerStore
from right_hf.generator.chat import ChatGenerator
from right_hf.generator.chat_client import ChatClient, HubChatClient
from right_hf.generator.local_chat import LocalChatClient
from reproduction.experiment import Experiment
from reproduction.plan import Plan, load_plan
from reproduction.tables import TABLES, Report

#: Posts of each split that --smoke takes.
_SMOKE_POSTS = {"train": 200, "validation": 100, "test": 40}
#: Hashtags, the most used, that half of these posts have: of posts drawn at random too few share one to rank any.
_SMOKE_HASHTAGS = 8
ROOT = Path(__file__).parent
_PLANS = ROOT / "configs" / "reproduce"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--table", required=True, nargs="+", choices=list(TABLES))
    parser.add_argument("--data")
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--protocol", choices=("small", "full"), default="small")
    parser.add_argument("--seeds", type=int, nargs="+", help="in the place of the plan's")
    parser.add_argument("--rows", nargs="+", metavar="SYSTEM", help="run only these; the others are marked as not run")
    parser.add_argument("--work", type=Path, default=Path("runs/reproduce"))
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "reproduction")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--chat-model", metavar="MODEL")
    parser.add_argument("--chat-base-url", metavar="URL")
    parser.add_argument("--smoke", action="store_true", help="tiny models of training/configs/reproduce/smoke.yaml")
    arguments = parser.parse_args()
    if arguments.rows and len(arguments.table) > 1:
        parser.error(f"--rows are those of one --table, got {', '.join(arguments.table)}. Give one.")
    return arguments


def _chat(arguments: argparse.Namespace, language: str, answers: Path) -> ChatGenerator | None:
    """The chat model, with its answers kept, or None."""
    if arguments.chat_model is None:
        return None
    client: ChatClient
    if arguments.chat_base_url:
        client = HubChatClient(arguments.chat_model, base_url=arguments.chat_base_url)
    else:
        client = LocalChatClient.from_pretrained(arguments.chat_model)
    return ChatGenerator(client, language, AnswerStore(answers))


def _plan(arguments: argparse.Namespace) -> Plan:
    """The plan asked for; with --smoke the small one, in the language of the data set's own."""
    own = _PLANS / f"{arguments.dataset}.yaml"
    if arguments.plan or not arguments.smoke:
        return load_plan(arguments.plan or own, arguments.protocol)
    language: dict[str, Any] = {}
    if own.is_file():
        recipe = load_plan(own, arguments.protocol).recipe
        language = {"language": recipe.language, "retriever": {"analyser": recipe.retriever.analyser}}
    return load_plan(_PLANS / "smoke.yaml", arguments.protocol, language)


def _few(splits: dict[str, list[Post]]) -> dict[str, list[Post]]:
    """Some posts of each split, half of them with one of the most used hashtags."""
    counts = Counter(hashtag for post in splits["train"] for hashtag in post.hashtags)
    common = {hashtag for hashtag, _ in counts.most_common(_SMOKE_HASHTAGS)}
    few: dict[str, list[Post]] = {}
    for split, size in _SMOKE_POSTS.items():
        posts = [post for post in splits[split] if post.text]
        with_common = small([post for post in posts if common & set(post.hashtags)], size=size // 2)
        taken = {post.id for post in with_common}
        few[split] = with_common + small([post for post in posts if post.id not in taken], size=size // 2)
    return few


def main() -> None:
    """Reads the command line, runs what is missing, prints and saves the tables."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO)
    plan = _plan(arguments)
    if arguments.seeds:
        plan = dataclasses.replace(plan, seeds=tuple(arguments.seeds))
    source = arguments.data or str(Path(os.environ.get("RIGHT_HF_DATA", "data")) / arguments.dataset)
    data = _few({split: plan.recipe.posts(source, split) for split in _SMOKE_POSTS}) if arguments.smoke else source
    name = f"{arguments.dataset}-{'smoke' if arguments.smoke else arguments.protocol}"
    chat = _chat(arguments, plan.recipe.language, arguments.work / f"{name}-chat.jsonl")
    experiment = Experiment(plan, data, arguments.work / name, arguments.wordnet, chat)
    report = Report(experiment, arguments.output / name, arguments.rows)
    for table in arguments.table:
        sys.stdout.write(f"{TABLES[table](report)}\n\n")


if __name__ == "__main__":
    main()
