"""What went wrong with a request, and how long to wait before it is made again."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from huggingface_hub.errors import (
    HfHubHTTPError,
    InferenceTimeoutError,
    OfflineModeIsEnabled,
)

#: The base of the HTTP library's errors; which library that is depends on the version of the Hub client.
HTTPError: type[Exception] = InferenceTimeoutError.__mro__[1]

#: What a request can end with: the network's and the server's faults, and those of an answer that is none.
FAULTS = (HTTPError, OSError, asyncio.TimeoutError, ValueError, TypeError, KeyError, IndexError, AttributeError)
#: The server understood the question and will not answer it; another question may fare better.
_REFUSALS = frozenset({400, 413, 422})
_TEMPORARY = frozenset({408, 409, 425, 429})
_MAX_REASON_CHARACTERS = 300


class Fault(NamedTuple):
    """Why a request failed.

    Attributes:
        reason: In words.
        temporary: Whether the same request may succeed later.
        refused: Whether it is this question that the server does not answer.
        wait: Seconds that the server asks to wait, if it does.
    """

    reason: str
    temporary: bool = True
    refused: bool = False
    wait: float | None = None


def describe_fault(error: Exception, now: datetime | None = None) -> Fault:
    """Sorts what a request ended with."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = " ".join((error.server_message or "").split())[:_MAX_REASON_CHARACTERS]
        reason = f"HTTP {status}{': ' + said if said else ''}"
        temporary = status in _TEMPORARY or status >= 500
        wait = retry_after(error.response.headers.get("retry-after"), now or datetime.now(timezone.utc))
        return Fault(reason, temporary, status in _REFUSALS, wait)
    if isinstance(error, OfflineModeIsEnabled):
        return Fault("HF_HUB_OFFLINE is set, which forbids the Hub client all requests", temporary=False)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Fault("no answer within the time-out")
    if isinstance(error, (HTTPError, OSError)):
        return Fault(f"the connection failed ({type(error).__name__}: {str(error)[:_MAX_REASON_CHARACTERS]})")
    said = str(error)[:_MAX_REASON_CHARACTERS]
    return Fault(f"the answer is no chat completion ({type(error).__name__}: {said})")


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, section 10.2.3): a number or a date; None for anything else."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=timezone.utc)
        seconds = (date - now).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None


def backoff(attempt: int, first: float, longest: float) -> float:
    """Seconds before attempt number `attempt` + 2: doubled each time up to `longest`, half of it by chance."""
    ceiling = min(longest, first * 2.0 ** min(attempt, 30))
    return ceiling / 2 + random.random() * ceiling / 2
