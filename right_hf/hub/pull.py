"""Fetching checkpoints from the Hub: only files that cannot run code, whole, and with the hash that the Hub names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import Unpack

from right_hf.hub.arguments import HubArguments
from right_hf.hub.hashes import COMMIT
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import recover_folder, refuse_pickle, write_text

logger = logging.getLogger(__name__)

#: Scores in the Hub's own form (see [`right_hf.cards`]).
EVAL_RESULTS = ".eval_results/right_hf.yaml"
#: How far the scores of a checkpoint are probabilities, as a plot.
RELIABILITY_FILE = "reliability.svg"
#: Files about a checkpoint that travel with it: its card, the record of its training, its scores, how good they are.
RECORDS = ("README.md", TRAINING_FILE, EVAL_RESULTS, RELIABILITY_FILE)
_TABLES = ("*.json", "*.jsonl", "*.parquet", "*.tsv")
#: What is fetched and pushed: nothing that can run code when it is read.
SAFE_FILES = (*_TABLES, "*.lance/*", RELIABILITY_FILE, "*.safetensors", "*.npy", "*.txt", "*.model", "*.jinja", "*.md")

#: The branch that is meant where none is named.
_MAIN = "main"


def fetch(source: str, subfolders: Sequence[str], leave_out: Sequence[str] = (), **hub: Unpack[HubArguments]) -> Path:
    """The folder of a checkpoint: `source` itself if it is one, else what of it lies on the Hub.

    What is in the cache is not downloaded again; of a commit whose files are all there the Hub is not even asked.
    A branch costs one request, for its commit; [`remember`] keeps the answer once all that is wanted is there.

    Args:
        source: A folder or a Hub id.
        subfolders: Folders to fetch besides the files at the top; "" for all.
        leave_out: Folders not to fetch.
        hub: See [`right_hf.hub.arguments.HubArguments`].

    Raises:
        NotADirectoryError: `source` is a file.
        FileNotFoundError, PermissionError, ConnectionError, ValueError, OSError: See [`right_hf.hub.errors.explained`].
    """
    recover_folder(source)
    path = Path(source)
    if path.is_dir():
        refuse_pickle(path)
        return path
    if path.is_file():
        raise NotADirectoryError(f"{source} is a file; a checkpoint is a folder. Give a folder, or a Hub id.")
    if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
        raise FileNotFoundError(f"There is no checkpoint folder {source}. Give a folder that exists, or a Hub id.")
    from right_hf.hub.download import download

    patterns = ["config.json", *RECORDS]
    patterns += [f"{subfolder}/{file}" if subfolder else file for subfolder in subfolders for file in SAFE_FILES]
    return download(source, patterns, [f"{folder}/*" for folder in leave_out], **hub)


def remember(source: str, root: Path, revision: str | None) -> None:
    """Notes that a branch or tag is at the commit that was fetched, for a later load without the Hub.

    To be called when all parts of it are there: until then the name stands for the previous commit, which is whole.
    """
    revision = revision or _MAIN
    if Path(source).is_dir() or hasattr(revision, "resolved") or COMMIT.fullmatch(revision):
        return
    note = root.parents[1] / "refs" / revision
    try:
        if not note.is_file() or note.read_text(encoding="utf-8") != root.name:
            write_text(note, root.name)
    except OSError as error:  # a cache that cannot be written serves as it is
        logger.debug("Cannot note that %s is at %s: %s", revision, root.name, error)


def commit_of(source: str, root: Path) -> str | None:
    """The commit that was fetched; None where `source` is a folder."""
    return None if Path(source).is_dir() else root.name
