"""Downloading a snapshot of a repository: what passes is tried again, and each file has the hash that the Hub names."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import CachedRepoTreeNotFoundError, LocalEntryNotFoundError
from typing_extensions import Unpack

from right_hf.hub.arguments import HubArguments
from right_hf.hub.errors import DamagedDownloadError, explained, first_line, is_out_of_service, persistently
from right_hf.hub.hashes import COMMIT, digest

logger = logging.getLogger(__name__)

#: Beside a repository's blobs in the cache: an empty file for each blob whose hash was found right.
_VERIFIED = "verified-by-right-hf"


def download(repo_id: str, patterns: Sequence[str], but: Sequence[str], **hub: Unpack[HubArguments]) -> Path:
    """The folder in the cache that holds the wanted files of one commit.

    Args:
        repo_id: The repository.
        patterns: What is wanted, such as "retriever/*.json".
        but: What of that is not.
        hub: See [`right_hf.hub.arguments.HubArguments`].

    Raises:
        FileNotFoundError, PermissionError, ConnectionError, ValueError, OSError: See [`right_hf.hub.errors.explained`].
    """
    settings: dict[str, Any] = {name: value for name, value in hub.items() if value is not None}
    revision = settings.pop("revision", None)
    revision = getattr(revision, "resolved", revision)  # transformers passes both the name and its commit
    wanted = {"allow_patterns": [*patterns], "ignore_patterns": [*but]}
    with explained(repo_id, revision):
        try:
            return persistently(lambda: _snapshot(repo_id, revision, wanted, settings), f"Fetching {repo_id}")
        except Exception as error:
            if not is_out_of_service(error) or settings.get("force_download"):
                raise
            try:
                root = _snapshot(repo_id, revision, wanted, settings | {"local_files_only": True})
            except LocalEntryNotFoundError:
                raise error from None
            what = f"{repo_id} is taken from the cache as it was when last loaded"
            logger.warning("The Hub is out of service (%s). %s.", first_line(error), what)
            return root


def _snapshot(repo_id: str, revision: str | None, wanted: dict[str, Any], hub: dict[str, Any]) -> Path:
    """One attempt at having the wanted files of one commit in the cache, each with the right hash."""
    if not hub.get("local_files_only") and not _is_known(repo_id, revision, hub.get("cache_dir")):
        # The client's own first question waits for ever for its answer, and it would move the cached branch to the
        # commit before that is there as a whole.
        api = HfApi(token=hub.get("token"))
        revision = api.model_info(repo_id, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT).sha
    root = Path(str(snapshot_download(repo_id, revision=revision, **(wanted | hub))))
    if hub.get("local_files_only") and not _is_known(repo_id, root.name, hub.get("cache_dir")):
        # The client then takes for whole what is there, be it half of what was fetched when the disk was full.
        raise LocalEntryNotFoundError(f"The cache has no list of the files of {repo_id} at {root.name}.")
    _verify(root, again=hub.get("force_download", False))
    return root


def _is_known(repo_id: str, revision: str | None, cache_dir: str | Path | None) -> bool:
    """Whether the revision is a commit whose list of files is in the cache."""
    if revision is None or not COMMIT.fullmatch(revision):
        return False
    try:
        get_cached_repo_tree(repo_id, revision=revision, cache_dir=cache_dir)
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
