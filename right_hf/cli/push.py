"""`right-hf push`: upload to the Hub.

Uploads to the Hub, in one commit; the repository is made if there is none. The token is that of `hf auth
login` or the variable HF_TOKEN; it is never given on the command line, where others could read it.

Examples:
  right-hf push model my-checkpoint user/right-en --private
  right-hf push dataset DATA user/my-posts --datasheet datasheet.md --licenses MIT CC-BY-4.0
  right-hf push metric hashtag_f1 user/hashtag_f1                    # then evaluate.load("user/hashtag_f1")
  right-hf push space my-checkpoint user/hashtags                    # a page that suggests while one writes
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from right_hf.cli.options import DATA_HELP, add_command, add_data_options, as_path, as_text, data_options, write_result
from right_hf.layout import ROLES

_REFERENCES = "name parts that the checkpoint takes from other repositories, by commit, instead of copying them"
_UNLICENSED = "also upload posts that state no licence, if you hold the right to: your own, for example"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds one command for each kind of repository."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    place = "folder of the checkpoint (or, with --component, of the component)"
    model = _add_kind(kinds, push_model, "FOLDER", place)
    model.add_argument("--component", choices=ROLES, help="upload only this part")
    model.add_argument("--handler", action="store_true", help="also upload the handler of an Inference Endpoint")
    model.add_argument("--references", action="store_true", help=_REFERENCES)
    dataset = _add_kind(kinds, push_dataset, "DATA", DATA_HELP)
    dataset.add_argument("--datasheet", type=as_path, metavar="FILE", help="Markdown file that describes the data")
    dataset.add_argument("--allow-unlicensed", action="store_true", help=_UNLICENSED)
    add_data_options(dataset)
    _add_kind(kinds, push_metric, "NAME", "hashtag_f1 or hashtag_rouge")
    _add_kind(kinds, push_space, "CHECKPOINT", "a folder, a Hub id, right-en-small or right-zh-small")


def _add_kind(kinds: Any, push: Callable[..., Any], source: str, what: str) -> argparse.ArgumentParser:
    def run(arguments: argparse.Namespace) -> None:
        chosen = {"private": arguments.private, "revision": arguments.revision, "commit_message": arguments.message}
        upload = {name: value for name, value in chosen.items() if value is not None}
        commit = push(arguments, create_pr=arguments.create_pr, **upload)
        write_result({"repo": arguments.repo, "commit": str(commit)})

    parser: argparse.ArgumentParser = add_command(kinds, push.__name__.removeprefix("push_"), push.__doc__, run)
    add = parser.add_argument
    add("source", metavar=source, help=what)
    add("repo", metavar="REPO", help="the repository, user/name")
    add("--private", action="store_true", default=None, help="a new repository is private")
    add("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    add("--create-pr", action="store_true", help="open a pull request instead of committing")
    add("--message", type=as_text, metavar="TEXT", help="message of the commit")
    return parser


def push_model(arguments: argparse.Namespace, **upload: Any) -> Any:
    """Uploads: a checkpoint, or one component of it.

    Examples:
      right-hf push model my-checkpoint user/right-en --private
      right-hf push model my-checkpoint user/right-en --create-pr --message "Retrained on newer posts"
      right-hf push model my-checkpoint user/right-en --handler          # for an Inference Endpoint
      right-hf push model my-checkpoint user/my-index --component retriever
      right-hf push model my-checkpoint user/right-small --references    # parts that lie elsewhere are only named
    """
    from right_hf.hub.publish import handler_files
    from right_hf.model import RightModel
    from right_hf.registry import load_component

    if arguments.component and (arguments.handler or arguments.references):
        raise argparse.ArgumentTypeError("--handler and --references go with a whole checkpoint, not with --component")
    folder = as_path(arguments.source)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}. Give the folder of a checkpoint.")
    if arguments.component:
        part = folder / arguments.component
        component = load_component(arguments.component, part if part.is_dir() else folder)
        return component.push_to_hub(arguments.repo, **upload)
    model = RightModel.from_pretrained(folder)
    model.records |= handler_files() if arguments.handler else {}
    return model.push_to_hub(arguments.repo, references=arguments.references, **upload)


def push_dataset(arguments: argparse.Namespace, **upload: Any) -> str:
    """Uploads: posts, as parquet with a card.

    Examples:
      right-hf push dataset DATA user/my-posts --datasheet datasheet.md --licenses MIT CC-BY-4.0
    """
    from right_hf.cards import read_datasheet
    from right_hf.data import load_splits
    from right_hf.hub import publish

    upload["datasheet"] = read_datasheet(arguments.datasheet) if arguments.datasheet else None
    splits = load_splits(arguments.source, arguments.licenses, data_options(arguments), unnamed="train")
    return publish.push_dataset(splits, arguments.repo, allow_unlicensed=arguments.allow_unlicensed, **upload)


def push_metric(arguments: argparse.Namespace, **upload: Any) -> str:
    """Uploads: a metric for evaluate.load.

    Examples:
      right-hf push metric hashtag_f1 user/hashtag_f1                    # then evaluate.load("user/hashtag_f1")
    """
    from right_hf.hub import publish

    return publish.push_metric(arguments.source, arguments.repo, **upload)


def push_space(arguments: argparse.Namespace, **upload: Any) -> str:
    """Uploads: a Space, a page that suggests hashtags while one writes.

    The checkpoint and the package are copied into it, so that it runs with nothing else.
    Needs pip install 'right_hf[demo]'.

    Examples:
      right-hf push space my-checkpoint user/hashtags
      right-hf push space right-zh-small user/hashtags-zh --private
    """
    from right_hf.hub import space
    from right_hf.model import RightModel

    return space.push_space(RightModel.from_pretrained(arguments.source), arguments.repo, **upload)
