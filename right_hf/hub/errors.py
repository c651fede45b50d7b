"""What goes wrong between here and the Hub: what passes is tried again, the rest is said clearly."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tenacity import Retrying

from right_hf.retries import Fault, policy, retry_after

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

ATTEMPTS = 4
#: 412 tells that another push came in between; the next attempt builds on it.
_PASSING = frozenset({408, 412, 425, 429, 500, 502, 503, 504})
#: After these the server has not done what it was asked for, so that asking again does it once.
_REFUSED = frozenset({429, 503})
#: How a token gets to the Hub.
_HOW = "(token=…, the variable HF_TOKEN, or once and for all `hf auth login`)"

_WITHOUT_XET = "set the environment variable HF_HUB_DISABLE_XET=1."

#: The HTTP library of the Hub's client, httpx or httpx2 by its version: that of the base of its errors.
_http: Any = import_module(HfHubHTTPError.__mro__[1].__module__.partition(".")[0])
#: There was no connection or no answer at all, be it on purpose.
_UNREACHABLE: tuple[type[Exception], ...] = (OfflineModeIsEnabled, _http.ConnectError, _http.TimeoutException)


class DamagedDownloadError(ValueError):
    """A downloaded file has another hash than the Hub names for it."""


class TransferError(ConnectionError):
    """A connection ended before all was said, or a transfer failed for reasons that only its text tells.

    The latter is how hf_xet, the transport of large files, reports nearly everything: as a plain `RuntimeError`.
    """


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _behind(error: BaseException, *kinds: type[E]) -> E | None:
    """The first error of one of these kinds among an error and what caused it."""
    return next((cause for cause in _chain(error) if isinstance(cause, kinds)), None)


def _full_disk(error: BaseException) -> int | None:
    """The number of the error that says that the disk, or the user's share of it, is full."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return next((cause.errno for cause in _chain(error) if isinstance(cause, OSError) and cause.errno in full), None)


def _broke_off(error: BaseException) -> bool:
    """Whether a transfer failed in a way that is no answer of the Hub and not the fault of this machine."""
    if _behind(error, HfHubHTTPError, *_UNREACHABLE) or _full_disk(error) is not None:
        return False
    plain = any(type(cause) in (RuntimeError, OSError) and not getattr(cause, "errno", 0) for cause in _chain(error))
    return plain or _behind(error, _http.TransportError, ConnectionError, TimeoutError) is not None


def first_line(error: BaseException) -> str:
    """What the error says, or that which caused it."""
    *_, first = _chain(error)
    return (str(first).strip() or type(first).__name__).splitlines()[0].rstrip(".")


def is_out_of_service(error: BaseException) -> bool:
    """Whether the fault lies with the Hub or the way to it, not with what was asked for."""
    if (answer := _behind(error, HfHubHTTPError)) is not None:
        return answer.response.status_code in _PASSING
    return _behind(error, TransferError, *_UNREACHABLE) is not None


def _judge(error: Exception, idempotent: bool) -> Fault:
    if (answer := _behind(error, HfHubHTTPError)) is not None and not _behind(error, *_UNREACHABLE):
        temporary = answer.response.status_code in (_PASSING if idempotent else _REFUSED)
        return Fault(first_line(error), temporary, retry_after(answer.response.headers.get("Retry-After")))
    return Fault(first_line(error), idempotent and bool(_broke_off(error) or _behind(error, DamagedDownloadError)))


def persistently(call: Callable[[], T], what: str, idempotent: bool = True) -> T:
    """Calls until it works, up to `ATTEMPTS` times, where the failure may pass: a busy or failing server, a cut line.

    Args:
        call: What to do.
        what: Names it in the log and in errors.
        idempotent: False where doing it twice would do harm; then only a refusal is tried again.

    Raises:
        TransferError: The connection broke off, or the transfer failed in another way, at the last attempt too.
    """
    engine = Retrying(**policy(lambda error: _judge(error, idempotent), what, ATTEMPTS))
    try:
        return engine(call)
    except Exception as error:
        if not _broke_off(error):
            raise
        how = f"failed, {engine.statistics['attempt_number']} times" if idempotent else "failed, or its answer got lost"
        raise TransferError(
            f"{what} {how}: {first_line(error)}. Try again later; where large files fail each time, do without the "
            f"storage behind the Hub: {_WITHOUT_XET}"
        ) from error


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


def _explain(error: Exception, repo_id: str, revision: str | None, pushing: bool) -> Exception | None:
    """The clearer error in the place of another; None where that is clear already, or not of the Hub."""
    if (number := _full_disk(error)) is not None:
        return OSError(
            number,
            f"There is no room left on the disk for {repo_id}; nothing of what was there is lost. Free some space, "
            "or choose another place: cache_dir=… for downloads, the environment variable TMPDIR for uploads",
        )
    if isinstance(error, (TransferError, DamagedDownloadError)):
        return None
    if (answer := _behind(error, HfHubHTTPError)) is not None:
        kind, what = _explain_answer(answer, repo_id, str(revision or "main"))
        return kind(what) if what else None
    if isinstance(error, LocalEntryNotFoundError) or _behind(error, *_UNREACHABLE):
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
    if _behind(error, _http.TransportError):
        what = f"The connection to the Hub broke off at {repo_id} ({first_line(error)}). Try again later."
        return ConnectionError(what)
    return None


def _explain_answer(answer: HfHubHTTPError, repo_id: str, revision: str) -> tuple[type[OSError], str]:
    """What to raise for an answer of the Hub, and its text; "" where there is nothing to add."""
    status, wait = answer.response.status_code, answer.response.headers.get("Retry-After")
    if isinstance(answer, GatedRepoError):
        what = f"{repo_id} is gated: ask for access on its page on the Hub, then pass your token {_HOW}."
        return PermissionError, what
    if isinstance(answer, RepositoryNotFoundError):
        return FileNotFoundError, (
            f"There is no folder {repo_id}, and on the Hub no such repository that you may see. Check the name; for a "
            f"private one pass the token of somebody who may read it {_HOW}."
        )
    if isinstance(answer, RevisionNotFoundError):
        what = f"{repo_id} has no revision {revision!r}. Give a branch, a tag or a whole commit hash of it."
        return FileNotFoundError, what
    if status == 401:
        return PermissionError, (
            f"The Hub was shown no token for {repo_id}, or does not accept the token. Make one at "
            f"https://huggingface.co/settings/tokens and pass it {_HOW}."
        )
    if status == 403:
        return PermissionError, (
            f"The token may not do that with {repo_id}. Use a token with write access to it, or another repository; "
            "create_pr=True proposes a change to one of somebody else."
        )
    if status == 429:
        when = f"in {wait} s" if wait and wait.isdigit() else "later"
        return ConnectionError, f"The Hub refuses further requests about {repo_id} for now (429). Try again {when}."
    if status >= 500:
        return ConnectionError, f"The Hub failed with {status}, again and again, at {repo_id}. Try again later."
    if "/xet-" in str(answer.response.url):
        what = f"The storage behind the Hub answered {status} for {repo_id}. Try again later, or do without it: "
        return ConnectionError, what + _WITHOUT_XET
    return OSError, ""
