"""Times of posts."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from numbers import Real

HOUR, DAY = 3_600.0, 86_400.0
#: As in Twitter's archives and its first API; the others are ISO 8601 and the dates of mail and feeds (RFC 2822).
_TWITTER = "%a %b %d %H:%M:%S %z %Y"


def _parsed(time: str) -> datetime | None:
    text = time.strip()
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)
    except ValueError:
        try:
            moment = datetime.strptime(text, _TWITTER)
        except ValueError:
            try:
                moment = parsedate_to_datetime(text)
            except (ValueError, TypeError, IndexError):
                return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@lru_cache(maxsize=1 << 16)
def seconds(time: str | None) -> float | None:
    """Seconds since 1970 of a time, in UTC where it names no zone; None where it is none.

    A time is ISO 8601, or as Twitter, mail and feeds write it.
    """
    if not time or (moment := _parsed(time)) is None:
        return None
    return moment.timestamp()


def standard_time(time: str) -> str:
    """A time as posts hold it, ISO 8601 in UTC; one that has this form already stays as it is.

    Raises:
        ValueError: It is no time.
    """
    moment = _parsed(time)
    if moment is None:
        raise ValueError(f"created_at must be a time such as 2021-06-07T09:00:00Z, got {time!r:.80}")
    if time[10:11] == "T" and (time.endswith("Z") or moment.utcoffset() is None):
        return time
    try:
        return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    except OverflowError:
        raise ValueError(f"created_at lies outside of the years 1 to 9999: {time!r:.80}") from None


def moment(now: float | str) -> float:
    """Seconds since 1970 of a time that somebody gave: such seconds, or a time as [`seconds`] takes it.

    Raises:
        ValueError: It is neither.
    """
    found = seconds(now) if isinstance(now, str) else now
    if not isinstance(found, Real) or isinstance(found, bool) or not math.isfinite(found):
        raise ValueError(f"now must be seconds since 1970 or a time such as 2021-06-07T09:00:00Z, got {now!r:.80}.")
    return float(found)
