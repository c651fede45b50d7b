"""Pushing a folder to the Hub: one commit, without anything that can run code, and without secrets."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Collection
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi
from typing_extensions import Unpack

from right_hf.hub.arguments import UploadArguments, show_arguments
from right_hf.hub.errors import explained, persistently
from right_hf.hub.pull import EVAL_RESULTS, SAFE_FILES
from right_hf.hub.shim import SHIM_FILE

logger = logging.getLogger(__name__)

#: The handler of an Inference Endpoint, the one file besides the shim that holds code.
HANDLER_FILE = "handler.py"

_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}")
_TEXT_FILES = ("*.json", "*.txt", "*.jinja", "*.md")
_CODE_OF_SPACES = ("*.py", "*.pyi", "*.css", "*.js")


def push_folder(
    folder: str | Path,
    repo_id: str,
    *,
    is_stale: Callable[[str, Collection[str]], bool] = lambda path, there: False,
    repo_type: str = "model",
    space_sdk: str = "static",
    **upload: Unpack[UploadArguments],
) -> CommitInfo:
    """Uploads a folder in one commit; the repository and the branch are made if there are none.

    Only the types of files that a checkpoint consists of are uploaded (and a space's code); others, and hidden ones,
    are left out with a warning. A push that breaks off leaves the repository as it was, and can be repeated.

    Args:
        folder: What to upload.
        repo_id: Where to.
        is_stale: Says of a file in the repository that is not in `folder` whether the commit removes it, given all
            that are there.
        repo_type: "model", "dataset" or "space".
        space_sdk: What a new Space runs: "static" for nothing, or "gradio".
        upload: See [`right_hf.hub.arguments.UploadArguments`].

    Returns:
        The commit: a string with its address, and `oid`, `pr_url` and more.

    Raises:
        ValueError: A file holds an access token, or the folder nothing to upload.
        FileNotFoundError, PermissionError, ConnectionError, OSError: See [`right_hf.hub.errors.explained`].
    """
    files = _uploads(Path(folder), repo_type)
    revision, create_pr = upload.get("revision"), upload.get("create_pr") or False
    where: dict[str, Any] = {"revision": revision, "repo_type": repo_type}
    # The client's upload_folder splits an upload into several commits; half of a checkpoint could be loaded in between.
    api = HfApi(token=upload.get("token"), library_name="right_hf")

    def operations() -> list[CommitOperationAdd | CommitOperationDelete]:
        there = set(api.list_repo_files(repo_id, **where)) - {".gitattributes"}
        stale = sorted(path for path in there - set(files) if is_stale(path, there))
        return [
            *(CommitOperationDelete(path_in_repo=path, is_folder=False) for path in stale),
            *(CommitOperationAdd(path_in_repo=path, path_or_fileobj=file) for path, file in files.items()),
        ]

    def commit() -> CommitInfo:
        message = upload.get("commit_message") or f"Upload {Path(folder).name}"
        # With the head as its parent, once more after a lost answer, files are found unchanged, and nothing is
        # committed twice.
        head = None if create_pr else api.repo_info(repo_id, **where).sha
        with warnings.catch_warnings():  # the client wonders whether a corpus should not be a data set
            warnings.filterwarnings("ignore", message="It seems that you are about to commit a data file")
            texts = {"commit_message": message, "commit_description": upload.get("commit_description")}
            settings: dict[str, Any] = {**texts, **where, "create_pr": create_pr, "parent_commit": head}
            done: CommitInfo = api.create_commit(repo_id, operations(), **settings)
        return done

    def make() -> None:
        sdk = space_sdk if repo_type == "space" else None
        api.create_repo(repo_id, private=upload.get("private"), repo_type=repo_type, space_sdk=sdk, exist_ok=True)
        if revision is not None and not create_pr and revision != "main" and not revision.startswith("refs/"):
            api.create_branch(repo_id, branch=revision, repo_type=repo_type, exist_ok=True)

    with explained(repo_id, revision, pushing=True):
        persistently(make, f"Pushing to {repo_id}")
        return persistently(commit, f"Pushing to {repo_id}", idempotent=not create_pr)


show_arguments(push_folder, UploadArguments)


def _uploads(folder: Path, repo_type: str) -> dict[str, Path]:
    """The files to upload, by their path in the repository."""
    safe = (*SAFE_FILES, *_CODE_OF_SPACES) if repo_type == "space" else SAFE_FILES
    files: dict[str, Path] = {}
    left_out: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        named, hidden = name in (SHIM_FILE, HANDLER_FILE, EVAL_RESULTS), "/." in f"/{name}"
        if not named and (hidden or not any(fnmatch(name, pattern) for pattern in safe)):
            left_out.append(name)
            continue
        if any(fnmatch(name, pattern) for pattern in _TEXT_FILES) and _TOKEN.search(path.read_bytes()):
            raise ValueError(f"{name} holds what looks like an access token of the Hub; nothing was pushed. Remove it.")
        files[name] = path
    if left_out:
        logger.warning("Not uploaded, for they belong to no checkpoint: %s", ", ".join(left_out))
    if not files:
        raise ValueError(f"There is nothing to upload in {folder}. Save a checkpoint there first.")
    return files
