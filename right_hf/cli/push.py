"""`right-hf push`: checkpoints, components, data sets and metrics go to the Hub."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from right_hf.cli.options import DATA_HELP, add_command, add_data_options, add_group, data_options
from right_hf.cli.output import write_result
from right_hf.layout import ROLES

_DESCRIPTION = """\
Uploads to the Hub, in one commit; the repository is made if there is none. The token is that of `hf auth
login` or the variable HF_TOKEN; it is never given on the command line, where others could read it."""
_EXAMPLES = {
    "model": """\
  right-hf push model my-checkpoint user/right-en --private
  right-hf push model my-checkpoint user/right-en --create-pr --message "Retrained on newer posts"
  right-hf push model my-checkpoint user/right-en --handler          # for an Inference Endpoint
  right-hf push model my-checkpoint user/my-index --component retriever
  right-hf push model my-checkpoint user/right-small --references    # parts that lie elsewhere are only named
""",
    "dataset": """\
  right-hf push dataset DATA user/my-posts --datasheet datasheet.md --licenses MIT CC-BY-4.0
""",
    "metric": """\
  right-hf push metric hashtag_f1 user/hashtag_f1                    # then evaluate.load("user/hashtag_f1")
""",
}


def add_to(commands: Any) -> None:
    """Adds the command with one command for each kind of repository."""
    parser = add_group(commands, "push", "upload to the Hub", _DESCRIPTION, "".join(_EXAMPLES.values()))
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)

    place = "folder of the checkpoint (or, with --component, of the component)"
    model = _add_kind(kinds, push_model, "a checkpoint, or one component of it", "FOLDER", place)
    model.add_argument("--component", choices=ROLES, help="upload only this part")
    model.add_argument("--handler", action="store_true", help="also upload the handler of an Inference Endpoint")
    model.add_argument(
        "--references",
        action="store_true",
        help="name parts that the checkpoint takes from other repositories, by commit, instead of copying them",
    )

    dataset = _add_kind(kinds, push_dataset, "posts, as parquet with a card", "DATA", DATA_HELP)
    dataset.add_argument("--datasheet", type=Path, metavar="FILE", help="Markdown file that describes the data")
    dataset.add_argument(
        "--allow-unlicensed",
        action="store_true",
        help="also upload posts that state no licence, if you hold the right to: your own, for example",
    )
    add_data_options(dataset)
    _add_kind(kinds, push_metric, "a metric for evaluate.load", "NAME", "hashtag_f1 or hashtag_rouge")


def _add_kind(kinds: Any, run: Any, summary: str, source: str, what: str) -> argparse.ArgumentParser:
    name = run.__name__.removeprefix("push_")
    parser = add_command(kinds, name, summary, f"Uploads {summary}.", _EXAMPLES[name])
    parser.add_argument("source", metavar=source, help=what)
    parser.add_argument("repo", metavar="REPO", help="the repository, user/name")
    parser.add_argument("--private", action="store_true", default=None, help="a new repository is private")
    parser.add_argument("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    parser.add_argument("--create-pr", action="store_true", help="open a pull request instead of committing")
    parser.add_argument("--message", metavar="TEXT", help="message of the commit")
    parser.set_defaults(run=run)
    return parser


def _upload_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    chosen = {"private": arguments.private, "revision": arguments.revision, "commit_message": arguments.message}
    return {name: value for name, value in chosen.items() if value is not None} | {"create_pr": arguments.create_pr}


def push_model(arguments: argparse.Namespace) -> None:
    """Uploads a checkpoint or a component."""
    from right_hf.hub.publish import handler_files
    from right_hf.model import RightModel
    from right_hf.registry import load_component

    settings = _upload_arguments(arguments)
    if arguments.component and (arguments.handler or arguments.references):
        raise argparse.ArgumentTypeError("--handler and --references go with a whole checkpoint, not with --component")
    folder = Path(arguments.source)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}. Give the folder of a checkpoint.")
    pushed: Any
    if arguments.component:
        part = folder / arguments.component
        pushed = load_component(arguments.component, part if part.is_dir() else folder)
    else:
        pushed = RightModel.from_pretrained(folder)
        pushed.records |= handler_files() if arguments.handler else {}
        settings["references"] = arguments.references
    _report(arguments, pushed.push_to_hub(arguments.repo, **settings))


def push_dataset(arguments: argparse.Namespace) -> None:
    """Uploads posts."""
    from right_hf.cards.datasheet import read_datasheet
    from right_hf.data import load_splits
    from right_hf.hub import publish

    datasheet = read_datasheet(arguments.datasheet) if arguments.datasheet else None
    commit = publish.push_dataset(
        load_splits(arguments.source, arguments.licenses, data_options(arguments), unnamed="train"),
        arguments.repo,
        datasheet=datasheet,
        allow_unlicensed=arguments.allow_unlicensed,
        **_upload_arguments(arguments),
    )
    _report(arguments, commit)


def push_metric(arguments: argparse.Namespace) -> None:
    """Uploads a metric."""
    from right_hf.hub import publish

    _report(arguments, publish.push_metric(arguments.source, arguments.repo, **_upload_arguments(arguments)))


def _report(arguments: argparse.Namespace, commit: object) -> None:
    write_result({"repo": arguments.repo, "commit": str(commit)})
