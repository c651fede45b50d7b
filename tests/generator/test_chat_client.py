from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import pytest

from right_hf.generator import AnswerStore, ChatGenerator
from right_hf.generator.chat_client import KEY_VARIABLE, ChatError, HubChatClient
from right_hf.generator.chat_requests import Requests
from tests.support.chat_server import ChatServer, Fault, chat_server

SECRET = "sk-a1b2c3-never-seen"
#: Seconds that no test waits for; only a broken one gets there.
PATIENCE = 60.0


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda question: f"#{question}") as running:
        yield running


def client(server: ChatServer, requests: dict[str, Any] | None = None, **settings: Any) -> HubChatClient:
    how = {"first_wait": 0.01, "longest_wait": 2.0, "timeout": PATIENCE, "concurrency": 1, **(requests or {})}
    return HubChatClient("tiny/chat", base_url=server.base_url, requests=Requests(**how), **settings)


def ask(client: HubChatClient, *questions: str, **generation: Any) -> dict[int, str]:
    answers: dict[int, str] = {}
    client.complete([[{"role": "user", "content": q}] for q in questions], answers.__setitem__, **generation)
    return answers


@pytest.mark.loopback
def test_speaks_the_protocol(server: ChatServer) -> None:
    asked = client(server, max_new_tokens=99)
    assert ask(asked, "one", "two") == {0: "#one", 1: "#two"}
    assert ask(asked, "three", max_new_tokens=7, temperature=0.5, top_p=0.9, seed=3) == {0: "#three"}
    assert server.paths == ["/v1/chat/completions"] * 3
    first, _, third = server.requests
    expected = {"model": "tiny/chat", "messages": [{"role": "user", "content": "one"}], "max_tokens": 99}
    assert {name: first[name] for name in expected} == expected
    assert first["temperature"] == 0.0
    assert [third[name] for name in ("max_tokens", "temperature", "top_p", "seed")] == [7, 0.5, 0.9, 3]
    assert not first.get("stream")
    assert ask(asked) == {}


@pytest.mark.loopback
@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_requests_are_under_way_and_no_more(server: ChatServer, concurrency: int) -> None:
    # All workers meet at the barrier, so they are under way at once; a further one would be counted.
    barrier = threading.Barrier(concurrency)

    def script(question: str) -> str:
        barrier.wait(20)
        return question

    server.script = script
    questions = [str(i) for i in range(2 * concurrency)]
    assert ask(client(server, {"concurrency": concurrency}), *questions) == dict(enumerate(questions))
    assert server.most_under_way == concurrency


@pytest.mark.loopback
@pytest.mark.parametrize(
    "fault",
    [Fault("status", 500), Fault("status", 503), Fault("status", 408), Fault("status", 429),
     Fault("status", 502, body="<html>bad gateway</html>"), Fault("cut"), Fault("malformed"), Fault("empty")],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)  # fmt: skip
def test_passing_faults_are_tried_again(server: ChatServer, fault: Fault) -> None:
    server.faults = [fault, fault]
    assert ask(client(server), "one") == {0: "#one"}
    assert len(server.requests) == 3


@pytest.mark.loopback
def test_a_closed_port_is_reported(server: ChatServer) -> None:
    gone = HubChatClient("m", base_url="http://127.0.0.1:9/v1", requests=Requests(retries=1, first_wait=0.01))
    with pytest.raises(ChatError, match="the connection failed"):
        ask(gone, "one")


class Clock:
    """Time that passes only when both who shall sleep do; the first sleep sets `begun`."""

    def __init__(self, sleepers: int) -> None:
        self.now = 0.0
        self.begun = threading.Event()
        self.slept: list[float] = []
        self.sleepers = sleepers
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.begun.set()
        if len(self.slept) >= self.sleepers:
            self.now += max(self.slept)
            self.over.set()
        await asyncio.wait_for(self.over.wait(), PATIENCE)


@pytest.mark.loopback
def test_retry_after_holds_for_all_requests(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked_at = Clock(sleepers=2), list[float]()
    monkeypatch.setattr("right_hf.generator.chat_line.sleep", clock.sleep)
    monkeypatch.setattr("right_hf.generator.chat_line.now", lambda: clock.now)

    def script(question: str) -> str:
        if clock.now == 0 and question != server.questions()[0]:  # the first to arrive meets the fault
            assert clock.begun.wait(PATIENCE)  # the other is answered when the server has asked for a pause
        asked_at.append(clock.now)
        return question

    server.script = script
    server.faults = [Fault("status", 429, (("Retry-After", "30"),))]
    asked = client(server, {"concurrency": 2, "longest_wait": 90.0})
    assert ask(asked, "one", "two", "three") == {0: "one", 1: "two", 2: "three"}
    assert clock.slept == [30, 30], "the third question waits as long as the first"
    assert sorted(asked_at) == [0, 0, 30, 30]


@pytest.mark.loopback
def test_a_server_that_asks_for_too_long_a_wait_has_failed(server: ChatServer) -> None:
    server.faults = [Fault("status", 429, (("Retry-After", "3600"),))]
    with pytest.raises(ChatError, match="asks to wait 3600 s"):
        ask(client(server), "one", "two")
    assert len(server.requests) == 1


@pytest.mark.loopback
@pytest.mark.parametrize("fault", [Fault("slow", seconds=PATIENCE), Fault("drip", seconds=0.01)], ids=lambda f: f.kind)
def test_a_whole_answer_must_come_in_time(server: ChatServer, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[float] = []

    async def wait_for(request: Awaitable[Any], timeout: float) -> Any:
        """The time is over as soon as the server is at work, or has sent some bytes of its answer."""
        timeouts.append(timeout)
        task = asyncio.ensure_future(request)
        while server.at_work.acquire(blocking=False) is False:
            assert not task.done()
            await asyncio.sleep(0.001)
        task.cancel()
        raise asyncio.TimeoutError

    monkeypatch.setattr("right_hf.generator.chat_requests.asyncio.wait_for", wait_for)
    server.faults = [fault] * 2
    with pytest.raises(ChatError, match="no answer within the time-out"):
        ask(client(server, {"timeout": 45.0, "retries": 1}), "one")
    assert len(server.requests) == 2
    assert timeouts == [45.0, 45.0]


@pytest.mark.loopback
def test_what_was_answered_before_a_failure_is_kept(server: ChatServer) -> None:
    server.faults = [None, Fault("status", 500), Fault("status", 500), None]
    answers: dict[int, str] = {}
    conversations = [[{"role": "user", "content": str(i)}] for i in range(3)]
    with pytest.raises(ChatError, match=r"1 of 3 questions .*HTTP 500: out of order") as caught:
        client(server, {"retries": 1}).complete(conversations, answers.__setitem__)
    assert (caught.value.answered, caught.value.unanswered) == (2, 1)
    assert answers == {0: "#0", 2: "#2"}


@pytest.mark.loopback
def test_a_server_that_is_down_is_not_asked_for_every_post(server: ChatServer) -> None:
    server.faults = [Fault("status", 500)] * 1000
    with pytest.raises(ChatError, match="100 of 100"):
        ask(client(server, {"retries": 1, "concurrency": 2}), *map(str, range(100)))
    assert len(server.requests) <= 2 * (3 + 1)


@pytest.mark.loopback
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_key_turned_down_ends_it_at_once(server: ChatServer, status: int) -> None:
    server.faults = [Fault("status", status)] * 10
    with pytest.raises(ChatError, match=f"HTTP {status}"):
        ask(client(server), "one", "two", "three")
    assert len(server.requests) == 1


@pytest.mark.loopback
def test_a_refused_question_is_an_error_or_no_answer(server: ChatServer) -> None:
    server.faults = [Fault("status", 400), None]
    with pytest.raises(ChatError, match="HTTP 400"):
        ask(client(server), "bad", "good")
    assert server.questions() == ["bad", "good"]
    server.faults = [Fault("status", 400), None]
    assert ask(client(server, skip_refused=True), "bad", "good") == {0: "", 1: "#good"}


@pytest.mark.loopback
def test_a_message_without_content_says_nothing(server: ChatServer) -> None:
    server.faults = [Fault("null")]
    assert ask(client(server), "one") == {0: ""}


@pytest.mark.loopback
def test_an_error_of_the_keeper_ends_it(server: ChatServer) -> None:
    def full(number: int, answer: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        client(server).complete([[{"role": "user", "content": "one"}]] * 5, full)
    assert len(server.requests) == 1


@pytest.mark.loopback
def test_works_within_a_running_loop(server: ChatServer) -> None:
    async def notebook() -> dict[int, str]:
        return ask(client(server), "one")

    assert asyncio.run(notebook()) == {0: "#one"}


@pytest.mark.loopback
def test_a_store_takes_answers_within_a_running_loop(server: ChatServer, tmp_path: Path) -> None:
    async def notebook(store: AnswerStore) -> list[str]:
        [answer] = ChatGenerator(client(server), store=store).generate(["a post"], [[]])
        return answer.hashtags

    with AnswerStore(tmp_path / "answers.sqlite") as store:
        assert asyncio.run(notebook(store)) == asyncio.run(notebook(store))
        assert len(store) == len(server.requests) == 1


@pytest.mark.loopback
def test_the_key_is_sent_and_never_shown(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    echo = '{"error": "Incorrect API key provided: ' + SECRET + '"}'
    server.faults = [Fault("status", 503, body=echo), Fault("status", 401, body=echo)]
    asked = client(server, api_key=SECRET)
    with caplog.at_level(logging.DEBUG), pytest.raises(ChatError) as caught:
        ask(asked, "one")
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert "Incorrect API key provided: ***" in str(caught.value)
    assert "503" in caplog.text
    chain: BaseException | None = caught.value
    while chain is not None:
        assert SECRET not in f"{chain!r} {chain}"
        chain = chain.__cause__ or chain.__context__
    assert SECRET not in caplog.text + repr(asked) + str(asked.settings)


@pytest.mark.loopback
def test_the_hub_token_goes_to_no_other_server(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_private")
    ask(client(server), "one")
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    ask(client(server), "one")
    assert [headers["authorization"] for headers in server.headers] == ["Bearer EMPTY", f"Bearer {SECRET}"]


@pytest.mark.parametrize(
    "base_url",
    ["localhost:8000", "ftp://host/v1", "http://", "http://user:pw@host/v1", "http://host/v1?key=x", "http://h\u0430st/"],
)  # fmt: skip
def test_addresses_that_make_no_sense_or_hold_secrets(base_url: str) -> None:
    with pytest.raises(ValueError, match="base_url must"):
        HubChatClient("m", base_url=base_url)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="concurrency"):
        Requests(concurrency=0)
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        HubChatClient("m", max_new_tokens=0)
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        HubChatClient("m", api_key=SECRET + "\n")
    assert SECRET not in str(caught.value)
    with pytest.raises(TypeError, match="'num_beams'"):
        ask(HubChatClient("m", base_url="http://127.0.0.1:9"), "one", num_beams=4)
