"""Batches and turns: what is answered together, in which order, and what is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from right_hf.server.queues import Batches, Turns
from right_hf.server.refused import RefusedError


class Answering:
    """Upper case, with the batches it was asked for; waits at the first one until it is let go."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[str]]] = []
        self.may_go = threading.Event()

    def __call__(self, posts: Sequence[str], options: str) -> list[str]:
        self.may_go.wait(10)
        self.batches.append((options, list(posts)))
        if "poison" in posts:
            raise ZeroDivisionError("poison")
        return [f"{post.upper()} {options}" for post in posts]


def test_what_waits_is_answered_in_batches_of_equal_options() -> None:
    answering = Answering()

    async def ask() -> list[str]:
        batches = Batches[str, str, str](answering, size=3, most=100)
        first = batches.ask(["a"], "x")
        await asyncio.sleep(0.05)  # it is being answered
        rest = [batches.ask([post], options)[0] for post, options in zip("bcdefg", "xyxxyx", strict=True)]
        assert batches.waiting == 6
        answering.may_go.set()
        found = await asyncio.gather(*first, *rest)
        assert batches.waiting == 0
        batches.close()
        return found

    assert asyncio.run(ask()) == ["A x", "B x", "C y", "D x", "E x", "F y", "G x"]
    # What does not fit into a batch lets others go first.
    assert answering.batches == [("x", ["a"]), ("x", ["b", "d", "e"]), ("y", ["c", "f"]), ("x", ["g"])]


def test_a_post_that_fails_takes_no_other_with_it() -> None:
    answering = Answering()
    answering.may_go.set()

    async def ask() -> list[object]:
        batches = Batches[str, str, str](answering, size=8, most=100)
        return await asyncio.gather(*batches.ask(["a", "poison", "b"], "x"), return_exceptions=True)

    first, failed, last = asyncio.run(ask())
    assert (first, last) == ("A x", "B x") and isinstance(failed, ZeroDivisionError)


def test_a_full_queue_and_one_that_stops_refuse() -> None:
    answering = Answering()

    async def ask() -> None:
        batches = Batches[str, str, str](answering, size=1, most=2)
        going_on = batches.ask(["a"], "x")
        await asyncio.sleep(0.05)
        going_on += batches.ask(["b", "c"], "x")
        with pytest.raises(RefusedError, match=r"2 posts or changes wait already.*Ask again") as refused:
            batches.ask(["d"], "x")
        assert (refused.value.status, refused.value.retry_after) == (429, 1)
        batches.refuse()
        with pytest.raises(RefusedError, match="about to stop") as refused:
            batches.ask(["d"], "x")
        assert refused.value.status == 503
        answering.may_go.set()
        assert await asyncio.gather(*going_on) == ["A x", "B x", "C x"]  # what was begun is finished

    asyncio.run(ask())


def test_what_nobody_waits_for_any_more_is_not_answered() -> None:
    answering = Answering()

    async def ask() -> None:
        batches = Batches[str, str, str](answering, size=1, most=10)
        first, second, third = (batches.ask([post], "x")[0] for post in "abc")
        await asyncio.sleep(0.05)
        second.cancel()
        answering.may_go.set()
        assert [await first, await third] == ["A x", "C x"]

    asyncio.run(ask())
    assert [posts for _, posts in answering.batches] == [["a"], ["c"]]


def test_turns_are_taken_in_order() -> None:
    done: list[int] = []

    async def take() -> None:
        turns = Turns("changing", 100)
        await asyncio.gather(*(turns.take(lambda number=number: done.append(number)) for number in range(20)))  # type: ignore[misc]
        assert turns.waiting == 0
        turns.close()
        with pytest.raises(RefusedError, match="about to stop"):
            await turns.take(lambda: None)

    asyncio.run(take())
    assert done == list(range(20))
