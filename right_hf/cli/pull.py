"""`right-hf pull`: download from the Hub.

Downloads a checkpoint with all its parts, also those that lie in other repositories, and loads it once to see
that it is whole. Afterwards it works --offline. With FOLDER the repository's files are copied there too: all
of them or none.

Examples:
  right-hf pull user/right-en
  right-hf pull user/right-en my-checkpoint --revision v1.0
  right-hf recommend --model user/right-en --offline "a post"
"""

from __future__ import annotations

import argparse
import shutil
from contextlib import nullcontext

from right_hf.cli.options import add_hub_options, as_path, hub_options, write_result


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("repo", metavar="REPO", help="the repository, user/name")
    parser.add_argument("folder", nargs="?", type=as_path, metavar="FOLDER", help="copy it there")
    add_hub_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    from right_hf.hub.pull import commit_of, fetch, remember
    from right_hf.model import RightModel
    from right_hf.persistence import atomic_folder

    hub = hub_options(arguments)
    # A place where it cannot go is refused before anything is downloaded.
    with nullcontext() if arguments.folder is None else atomic_folder(arguments.folder) as folder:
        source = fetch(arguments.repo, [""], **hub)
        commit = commit_of(arguments.repo, source)
        model = RightModel.from_pretrained(arguments.repo, **hub | ({"revision": commit} if commit else {}))
        remember(arguments.repo, source, arguments.revision)
        if folder is not None:
            shutil.copytree(source, folder, dirs_exist_ok=True)
    parts = {name: entry["repo_id"] for name, entry in model.config.components.items() if "repo_id" in entry}
    if (base := getattr(model.generator, "base", None)) is not None:
        parts["base of the generator"] = str(base)
    write_result({"output": str(arguments.folder or source), "revision": commit, "from_elsewhere": parts})
