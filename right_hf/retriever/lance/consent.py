"""Which tables elsewhere a checkpoint from the Hub may name: their store is asked with the user's own rights."""

from __future__ import annotations

import os
from pathlib import Path

from right_hf.hub.hashes import COMMIT

#: Lists addresses, with spaces between; each stands for what lies below it, too.
CONSENT_VARIABLE = "RIGHT_HF_READ_TABLES"


def check_address(address: str, folder: Path) -> None:
    """Refuses a table that a configuration in the Hub's cache names and the user has not; one's own folders may.

    Args:
        address: Where the table lies.
        folder: Of the retriever whose configuration says so.

    Raises:
        PermissionError: The environment variable RIGHT_HF_READ_TABLES does not list the address.
    """
    allowed = os.environ.get(CONSENT_VARIABLE, "").split()
    if _fetched(folder) and not any(_lies_in(address, one) for one in allowed):
        raise PermissionError(
            f"The retriever in {folder} comes from the Hub and would read a table at {address}, under your rights. "
            f"If you trust it, set {CONSENT_VARIABLE}={address}"
        )


def _fetched(folder: Path) -> bool:
    """Whether a folder lies in the Hub's cache, where a commit's files are in `snapshots/<commit>`."""
    return any(COMMIT.fullmatch(place.name) and place.parent.name == "snapshots" for place in (folder, *folder.parents))


def _lies_in(address: str, allowed: str) -> bool:
    parts = address.rstrip("/").split("/")
    known = allowed.rstrip("/").split("/")
    return ".." not in parts and parts[: len(known)] == known
