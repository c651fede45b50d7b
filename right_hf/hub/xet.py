"""What hf_xet, the transport of large files, says when it fails: built-in errors that differ in their text."""

from __future__ import annotations

import re
from typing import NamedTuple

#: How its texts begin.
_BEGINNING = re.compile(r"(Network|Server|Auth|Authentication|([A-Z][a-z]+ )?[Tt]ask) error: |Timeout: ")
_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})")
_NO_SPACE = re.compile(r"\(os error (?:28|112|122)\)")


class XetFailure(NamedTuple):
    """A failure of hf_xet.

    Attributes:
        status: What the Hub or its storage answered; None where nothing, or nothing whole, arrived.
        no_space: Whether the disk is full.
    """

    status: int | None
    no_space: bool


def xet_failure(error: BaseException) -> XetFailure | None:
    """What an error says about hf_xet; None where it is not hf_xet's."""
    text = str(error)
    if type(error).__module__ != "builtins" or not _BEGINNING.match(text):
        return None
    status = _STATUS.search(text)
    return XetFailure(int(status[1]) if status else None, _NO_SPACE.search(text) is not None)
