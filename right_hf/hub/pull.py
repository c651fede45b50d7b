"""Fetching checkpoints from the Hub: only files that cannot run code, whole, and with the hash that the Hub names."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError
from typing_extensions import Unpack

from right_hf.hub.arguments import HubArguments
from right_hf.hub.errors import DamagedDownloadError, explained, first_line, is_out_of_service, persistently
from right_hf.layout import TRAINING_FILE
from right_hf.persistence import recover_folder, refuse_pickle, write_text

logger = logging.getLogger(__name__)

#: Scores in the Hub's own form (see [`right_hf.cards`]).
EVAL_RESULTS = ".eval_results/right_hf.yaml"
#: Files about a checkpoint that travel with it: its card, the record of its training, its scores.
RECORDS = ("README.md", TRAINING_FILE, EVAL_RESULTS)
#: What is fetched and pushed: nothing that can run code when it is read.
SAFE_FILES = ("*.json", "*.jsonl", "*.safetensors", "*.parquet", "*.npy", "*.txt", "*.model", "*.jinja", "*.md")

_COMMIT = re.compile(r"[0-9a-f]{40}")
#: Beside a repository's blobs in the cache: an empty file for each blob whose hash was found right.
_VERIFIED = "verified-by-right-hf"


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
    settings: dict[str, Any] = {name: value for name, value in hub.items() if value is not None}
    revision = settings.pop("revision", None)
    revision = getattr(revision, "resolved", revision)  # transformers passes both the name and its commit
    patterns = ["config.json", *RECORDS]
    patterns += [f"{subfolder}/{file}" if subfolder else file for subfolder in subfolders for file in SAFE_FILES]
    wanted = {"allow_patterns": patterns, "ignore_patterns": [f"{folder}/*" for folder in leave_out]}
    with explained(source, revision):
        try:
            return persistently(lambda: _snapshot(source, revision, wanted, settings), f"Fetching {source}")
        except Exception as error:
            if not is_out_of_service(error) or settings.get("force_download"):
                raise
            try:
                root = _snapshot(source, revision, wanted, settings | {"local_files_only": True})
            except LocalEntryNotFoundError:
                raise error from None
            what = f"{source} is taken from the cache as it was when last loaded"
            logger.warning("The Hub is out of service (%s). %s.", first_line(error), what)
            return root


def _snapshot(source: str, revision: str | None, wanted: dict[str, Any], hub: dict[str, Any]) -> Path:
    """One attempt at having the wanted files of one commit in the cache, each with the right hash."""
    if not hub.get("local_files_only") and not _is_known(source, revision, hub.get("cache_dir")):
        # The client's own first question waits for ever for its answer, and it would move the cached branch to the
        # commit before that is there as a whole.
        api = HfApi(token=hub.get("token"))
        revision = api.model_info(source, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT).sha
    root = Path(str(snapshot_download(source, revision=revision, **(wanted | hub))))
    if hub.get("local_files_only") and not _is_known(source, root.name, hub.get("cache_dir")):
        # The client then takes for whole what is there, be it half of what was fetched when the disk was full.
        raise LocalEntryNotFoundError(f"The cache has no list of the files of {source} at {root.name}.")
    _verify(root, again=hub.get("force_download", False))
    return root


def _is_known(source: str, revision: str | None, cache_dir: str | Path | None) -> bool:
    """Whether the revision is a commit whose list of files is in the cache."""
    if revision is None or not _COMMIT.fullmatch(revision):
        return False
    try:
        get_cached_repo_tree(source, revision=revision, cache_dir=cache_dir)
    except CachedRepoTreeNotFoundError:
        return False
    return True


def _verify(root: Path, again: bool) -> None:
    """Compares each file with its hash, once; the client compares sizes only.

    The cache names a file by its hash: SHA-256 for a large one, git's SHA-1 for a small one. Where the system has no
    symbolic links, the cache does not keep the hash, and nothing is compared.

    Raises:
        DamagedDownloadError: A file differs; it is out of the cache then.
    """
    marks = root.parents[1] / _VERIFIED
    for path in sorted(path for path in root.rglob("*") if path.is_symlink()):
        blob = path.parent / os.readlink(path)
        mark = marks / blob.name
        if mark.exists() and not again:
            continue
        git = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
        kind = {64: hashlib.sha256(), 40: git}.get(len(blob.name))
        if kind is not None and (found := digest(path, kind)) != blob.name:
            path.unlink()
            blob.resolve().unlink(missing_ok=True)  # the file itself may be shared with other repositories
            blob.unlink(missing_ok=True)
            raise DamagedDownloadError(
                f"{path.relative_to(root)} arrived damaged: its hash is {found}, the Hub names {blob.name}. It was "
                "removed, not loaded. Try again later, or give another revision."
            )
        try:
            marks.mkdir(exist_ok=True)
            mark.touch()
        except OSError as error:  # a cache that cannot be written is compared each time
            logger.debug("Cannot mark %s as verified: %s", blob, error)


def digest(path: Path, algorithm: hashlib._Hash) -> str:
    """The hash of a file of any size, in hexadecimal."""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            algorithm.update(chunk)
    return algorithm.hexdigest()


def remember(source: str, root: Path, revision: str | None) -> None:
    """Notes that a branch or tag is at the commit that was fetched, for a later load without the Hub.

    To be called when all parts of it are there: until then the name stands for the previous commit, which is whole.
    """
    revision = revision or constants.DEFAULT_REVISION
    if Path(source).is_dir() or hasattr(revision, "resolved") or _COMMIT.fullmatch(revision):
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
