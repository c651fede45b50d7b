"""What goes wrong between here and the Hub: what passes is tried again, the rest is said clearly."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from right_hf.hub.xet import XetFailure, xet_failure

logger = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 4
#: Seconds; a server that asks for a longer wait ends the call instead.
_LONGEST_WAIT = 120
#: 412 tells that another push came in between; the next attempt builds on it.
_PASSING = frozenset({408, 412, 425, 429, 500, 502, 503, 504})
#: After these the server has not done what it was asked for, so that asking again does it once.
_REFUSED = frozenset({429, 503})
#: How a token gets to the Hub.
_HOW = "(token=…, the variable HF_TOKEN, or once and for all `hf auth login`)"


class DamagedDownloadError(OSError):
    """A downloaded file has another hash than the Hub names for it."""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _answer(error: BaseException) -> HfHubHTTPError | None:
    """The Hub's answer behind an error of its client, if there was one."""
    return next((cause for cause in _chain(error) if isinstance(cause, HfHubHTTPError)), None)


def _xet(error: BaseException) -> XetFailure | None:
    """What hf_xet said behind an error, if it did."""
    return next((failure for cause in _chain(error) if (failure := xet_failure(cause)) is not None), None)


def _kinds(error: BaseException) -> set[str]:
    """Names of the classes behind an error; the Hub's client may be built on httpx or on httpx2."""
    return {kind.__name__ for cause in _chain(error) for kind in type(cause).__mro__}


def _is_unreachable(error: BaseException) -> bool:
    """Whether there was no connection or no answer at all, be it on purpose."""
    return bool(_kinds(error) & {"OfflineModeIsEnabled", "ConnectError", "TimeoutException"})


def _broke_off(error: BaseException) -> bool:
    """Whether a connection that was there ended before all was said, or a file came short or damaged."""
    short = any("Consistency check failed" in str(cause) for cause in _chain(error))
    failure = _xet(error)
    if failure is not None and failure.status is None and not failure.no_space:
        return True
    return short or bool(_kinds(error) & {"TransportError", "DamagedDownloadError"})


def is_out_of_service(error: BaseException) -> bool:
    """Whether the fault lies with the Hub or the way to it, not with what was asked for."""
    if (answer := _answer(error)) is not None:
        return answer.response.status_code in _PASSING
    if (failure := _xet(error)) is not None and failure.status is not None:
        return failure.status in _PASSING
    return _is_unreachable(error) or (_broke_off(error) and "DamagedDownloadError" not in _kinds(error))


def _wait(error: Exception, attempt: int, idempotent: bool) -> float | None:
    """Seconds until the call should be tried again, or None where that would not help.

    What the storage behind hf_xet refuses, hf_xet has tried again itself.
    """
    if _is_unreachable(error):
        return None
    answer = _answer(error)
    if answer is None:
        return float(2 ** (attempt - 1)) if idempotent and _broke_off(error) else None
    if answer.response.status_code not in (_PASSING if idempotent else _REFUSED):
        return None
    asked = answer.response.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else float(2 ** (attempt - 1))
    return seconds if seconds <= _LONGEST_WAIT else None


def persistently(call: Callable[[], T], what: str, idempotent: bool = True) -> T:
    """Calls until it works, up to `ATTEMPTS` times, where the failure may pass: a busy or failing server, a cut line.

    Args:
        call: What to do.
        what: Names it in the log.
        idempotent: False where doing it twice would do harm; then only a refusal is tried again.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except Exception as error:
            wait = _wait(error, attempt, idempotent)
            if wait is None:
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            logger.warning("%s failed (%s). Trying again in %g s (%d of %d).", what, reason, wait, attempt, ATTEMPTS)
            time.sleep(wait)
    return call()


@contextmanager
def explained(repo_id: str, revision: str | None = None, pushing: bool = False) -> Iterator[None]:
    """Turns what the Hub's client raises into errors that say what was given and what to do.

    Raises:
        FileNotFoundError: There is no such repository or revision, or it is not in the cache and the Hub out of reach.
        PermissionError: The token is wrong, lacks a right, or the repository is gated.
        ConnectionError: The Hub failed, or the connection did, again and again; or a push found no connection.
        ValueError: A file arrived damaged again and again.
        OSError: The disk is full.
    """
    try:
        yield
    except Exception as error:
        if (clearer := _explain(error, repo_id, revision, pushing)) is None:
            raise
        raise clearer from error


def _full_disk(error: BaseException) -> int | None:
    """The number of the error that says that the disk, or the user's share of it, is full."""
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return cause.errno
        if (failure := xet_failure(cause)) is not None and failure.no_space:
            return errno.ENOSPC
    return None


def _explain(error: Exception, repo_id: str, revision: str | None, pushing: bool) -> Exception | None:
    if (number := _full_disk(error)) is not None:
        return OSError(
            number,
            f"There is no room left on the disk for {repo_id}; nothing of what was there is lost. Free some space, "
            "or choose another place: cache_dir=… for downloads, the environment variable TMPDIR for uploads",
        )
    for cause in _chain(error):
        if isinstance(cause, DamagedDownloadError):
            return ValueError(f"{cause} It was removed, not loaded. Try again later, or give another revision.")
    answer = _answer(error)
    if answer is not None:
        return _explain_answer(answer, repo_id, revision)
    if (failure := _xet(error)) is not None and failure.status is not None:
        return _explain_status(failure.status, repo_id) or ConnectionError(
            f"The storage behind the Hub answered {failure.status} for {repo_id}. Try again later, or do without it: "
            "set the environment variable HF_HUB_DISABLE_XET=1."
        )
    if isinstance(error, (LocalEntryNotFoundError, OfflineModeIsEnabled)) or _is_unreachable(error):
        if pushing:
            return ConnectionError(
                f"The Hub cannot be reached, or HF_HUB_OFFLINE forbids it; nothing was pushed to {repo_id}. Push again "
                "with a connection, or save to a folder."
            )
        at = f" at revision {str(revision)!r}" if revision is not None else ""
        return FileNotFoundError(
            f"{repo_id}{at} is not, or not wholly, in the cache, and the Hub was not asked (local_files_only, "
            "HF_HUB_OFFLINE) or cannot be reached. Load it once with a connection, or give a folder."
        )
    if _broke_off(error):
        return ConnectionError(f"The connection to the Hub broke off, {ATTEMPTS} times, at {repo_id}. Try again later.")
    return None


def _explain_answer(answer: HfHubHTTPError, repo_id: str, revision: str | None) -> Exception | None:
    if isinstance(answer, GatedRepoError):
        return PermissionError(
            f"{repo_id} is gated: ask for access on its page on the Hub, then pass your token {_HOW}."
        )
    if isinstance(answer, RepositoryNotFoundError):
        return FileNotFoundError(
            f"There is no folder {repo_id}, and on the Hub no such repository that you may see. Check the name; for a "
            f"private one pass the token of somebody who may read it {_HOW}."
        )
    if isinstance(answer, RevisionNotFoundError):
        return FileNotFoundError(
            f"{repo_id} has no revision {str(revision or 'main')!r}. Give a branch, a tag or a whole commit hash of it."
        )
    return _explain_status(answer.response.status_code, repo_id, answer.response.headers.get("Retry-After"))


def _explain_status(status: int, repo_id: str, wait: str | None = None) -> Exception | None:
    if status == 401:
        return PermissionError(
            f"The Hub was shown no token for {repo_id}, or does not accept the token. Make one at "
            f"https://huggingface.co/settings/tokens and pass it {_HOW}."
        )
    if status == 403:
        return PermissionError(
            f"The token may not do that with {repo_id}. Use a token with write access to it, or another repository; "
            "create_pr=True proposes a change to one of somebody else."
        )
    if status == 429:
        return ConnectionError(
            f"The Hub refuses further requests about {repo_id} for now (429). Try again "
            + (f"in {wait} s." if wait else "later.")
        )
    if status >= 500:
        return ConnectionError(f"The Hub failed with {status}, again and again, at {repo_id}. Try again later.")
    return None
