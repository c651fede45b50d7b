"""Trying again: which errors, how often, after which wait. Nothing here waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import AsyncRetrying, Retrying

from right_hf.retries import Fault, policy, retry_after

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


class Failing:
    """Fails as often as told, then answers."""

    def __init__(self, times: int, error: BaseException) -> None:
        self.left, self.error = times, error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return "answer"


def _attempts(call: Callable[[], str], fault: Fault, **settings: Any) -> tuple[str | None, list[float]]:
    """The answer, None where the error came through, and the waits."""
    waits: list[float] = []
    try:
        return Retrying(**policy(lambda error: fault, "Asking", **settings), sleep=waits.append)(call), waits
    except OSError:
        return None, waits


def test_waits_double_and_vary_by_chance() -> None:
    answer, waits = _attempts(Failing(3, OSError("cut")), Fault("cut"), first_wait=2.0)
    assert answer == "answer"
    assert [ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, (2, 4, 8), strict=True)] == [True] * 3
    assert len({wait / ceiling for wait, ceiling in zip(waits, (2, 4, 8), strict=True)}) == 3


def test_no_wait_is_longer_than_the_longest() -> None:
    _, waits = _attempts(Failing(9, OSError("cut")), Fault("cut"), attempts=10, longest_wait=3.0)
    assert len(waits) == 9 and max(waits) <= 3.0


def test_the_last_error_comes_through() -> None:
    failing = Failing(9, OSError("cut"))
    assert _attempts(failing, Fault("cut"))[0] is None
    assert failing.calls == 4


def test_what_does_not_pass_is_tried_once() -> None:
    failing = Failing(9, OSError("no"))
    assert _attempts(failing, Fault("no", temporary=False)) == (None, [])
    assert failing.calls == 1


def test_what_the_server_asks_for_is_waited() -> None:
    assert _attempts(Failing(2, OSError("busy")), Fault("busy", wait=7.0)) == ("answer", [7.0, 7.0])
    assert _attempts(Failing(2, OSError("busy")), Fault("busy", wait=700.0)) == (None, [])


def test_an_interruption_is_no_failure() -> None:
    failing = Failing(9, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        _attempts(failing, Fault("never asked for"))
    assert failing.calls == 1


def test_each_wait_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        _attempts(Failing(1, OSError("cut")), Fault("the line was cut", wait=7.0), level=logging.INFO)
    assert caplog.messages == ["Asking failed (the line was cut). Trying again in 7.0 s (1 of 4)."]


def test_coroutines_are_tried_again_as_calls_are() -> None:
    failing = Failing(2, OSError("cut"))
    waits: list[float] = []

    async def ask() -> str:
        return failing()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    engine = AsyncRetrying(**policy(lambda error: Fault("busy", wait=7.0), "Asking"), sleep=sleep)
    assert asyncio.run(engine(ask)) == "answer"
    assert waits == [7.0, 7.0]


def test_retry_after_by_hand() -> None:
    assert retry_after("7", NOON) == 7
    assert retry_after("Mon, 01 Jan 2024 12:01:30 GMT", NOON) == 90
    assert retry_after("Mon, 01 Jan 2024 11:00:00 GMT", NOON) == 0
    assert [retry_after(header, NOON) for header in (None, "soon", "inf", "nan", "")] == [None] * 5


@given(st.text(max_size=40))
def test_any_retry_after_is_read(header: str) -> None:
    wait = retry_after(header, NOON)
    assert wait is None or 0 <= wait < float("inf")
