"""Trying again: when, how often, after how long a wait, and what is logged of it; for all that asks a server.

The trying itself is tenacity's: `Retrying(**policy(judge, "…"))(call)`, or `await AsyncRetrying(**policy(…))(call)`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from tenacity import RetryCallState, stop_after_attempt

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fault:
    """What an error means for another attempt.

    Attributes:
        reason: In words, for the log.
        temporary: Whether the same call may succeed later.
        wait: Seconds that the server asks to wait, if it does.
        refused: Whether it is this call alone that the server will not answer.
    """

    reason: str
    temporary: bool = True
    wait: float | None = None
    refused: bool = False


def policy(
    judge: Callable[[Exception], Fault],
    what: str,
    attempts: int = 4,
    first_wait: float = 1.0,
    longest_wait: float = 120.0,
    level: int = logging.WARNING,
) -> dict[str, Any]:
    """Arguments of tenacity's `Retrying` and `AsyncRetrying`; after the last attempt the last error is raised as it is.

    Args:
        judge: Says what an error means. It is asked more than once about each.
        what: Names the call in the log.
        attempts: At most, the first included.
        first_wait: Seconds before the second attempt; doubled each time, a part of it by chance.
        longest_wait: Seconds waited at most; a server that asks for more ends the call.
        level: Of the log's lines, one before each wait.
    """

    def fault(state: RetryCallState) -> Fault:
        error = state.outcome.exception() if state.outcome is not None else None
        return judge(error) if isinstance(error, Exception) else Fault("none", temporary=False)

    def again(state: RetryCallState) -> bool:
        found = fault(state)
        return found.temporary and (found.wait or 0.0) <= longest_wait

    def wait(state: RetryCallState) -> float:
        ceiling = min(longest_wait, first_wait * 2.0 ** min(state.attempt_number - 1, 30))
        return max(ceiling * random.uniform(0.5, 1.0), fault(state).wait or 0.0)

    def told(state: RetryCallState) -> None:
        done, seconds = state.attempt_number, state.upcoming_sleep
        line = "%s failed (%s). Trying again in %.1f s (%d of %d)."
        logger.log(level, line, what, fault(state).reason, seconds, done, attempts)

    stop = stop_after_attempt(attempts)
    return {"retry": again, "wait": wait, "stop": stop, "before_sleep": told, "reraise": True}


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
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
        now = now or datetime.now(timezone.utc)
        seconds = (date.replace(tzinfo=date.tzinfo or timezone.utc) - now).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None
