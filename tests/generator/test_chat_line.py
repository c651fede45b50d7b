"""Many requests at once: of all batches of a process together, over connections that stay open, as the server bears."""

from __future__ import annotations

import gc
import multiprocessing
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from right_hf.generator import AnswerStore, ChatGenerator, HubChatClient, Requests
from right_hf.generator.chat_line import Line
from tests.support.chat_server import ChatServer, Fault, chat_server

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(100)]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda question: f"#{question}") as running:
        yield running


def client(server: ChatServer, concurrency: int, **requests: Any) -> HubChatClient:
    how = {"first_wait": 0.02, "longest_wait": 5.0, **requests}
    return HubChatClient("tiny/chat", base_url=server.base_url, requests=Requests(concurrency, **how))


def ask(client: HubChatClient, questions: list[str]) -> list[str]:
    answers: dict[int, str] = {}
    client.complete([[{"role": "user", "content": question}] for question in questions], answers.__setitem__)
    return [answers[number] for number in range(len(questions))]


def meeting(server: ChatServer, number: int) -> None:
    """No question is answered before so many are under way."""
    barrier = threading.Barrier(number)

    def script(question: str) -> str:
        barrier.wait(30)
        return f"#{question}"

    server.script = script


def test_sixty_four_at_once(server: ChatServer) -> None:
    meeting(server, 64)
    questions = [str(number) for number in range(128)]
    assert ask(client(server, 64), questions) == [f"#{question}" for question in questions]
    assert server.most_under_way == 64


def test_more_than_one_client_of_the_hub_keeps_open(server: ChatServer) -> None:
    meeting(server, 130)
    ask(client(server, 130), [str(number) for number in range(130)])
    assert server.most_under_way == 130


def test_batches_of_several_threads_overlap_and_share_one_bound(server: ChatServer) -> None:
    meeting(server, 12)
    asked = client(server, 12)
    batches = [[f"{batch}-{number}" for number in range(4)] for batch in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda batch: ask(asked, batch), batches))
    assert found == [[f"#{question}" for question in batch] for batch in batches]
    assert server.most_under_way == 12


def test_connections_are_kept_between_batches(server: ChatServer) -> None:
    asked = client(server, 4)
    for batch in range(8):
        ask(asked, [f"{batch}-{number}" for number in range(4)])
    assert len(set(server.peers)) <= 4 < len(server.peers)


def test_a_storm_of_429_ends_with_every_post_answered_once(server: ChatServer) -> None:
    """The server bears four requests at once, and turns all others away."""
    asked, turned_away = client(server, 64), 0
    server.pause = 0.005

    def busy() -> Fault | None:
        nonlocal turned_away
        turned_away += server.under_way > 4
        return Fault("status", 429, (("Retry-After", "0"),)) if server.under_way > 4 else None

    server.judge = busy
    questions = [str(number) for number in range(200)]
    assert ask(asked, questions) == [f"#{question}" for question in questions]
    answered = Counter(server.answered)
    assert set(answered.values()) == {1} and len(answered) == 200
    assert 0 < turned_away < 400, "about as many were turned away as were let in"


@pytest.mark.parametrize("status", [429, 503])
def test_all_hold_back_until_the_date_that_one_was_told(server: ChatServer, status: int) -> None:
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)  # in whole seconds
    server.faults = [Fault("status", status, (("Retry-After", date),))]
    first = threading.Thread(target=ask, args=(asked := client(server, 1), ["one"]))
    first.start()
    assert ask(asked, ["two", "three"]) == ["#two", "#three"]
    first.join()
    assert server.times[1] - server.times[0] > 0.5, "whoever asked it"
    assert sorted(Counter(server.answered).values()) == [1, 1, 1]


def test_fewer_at_once_after_a_pause_and_all_again_in_time() -> None:
    line = Line({"base_url": "http://127.0.0.1:9", "api_key": "EMPTY"}, 16, 1.0)

    def width() -> int:
        return line._turns._value - line._surplus

    line.pause(0.0, asked_at=1e12)
    assert width() == 8
    line.pause(0.0, asked_at=0.0)
    assert width() == 8, "it was under way when the pause was told"
    for _ in range(8):
        line.pause(0.0, asked_at=1e12)
    assert width() == 1
    for _ in range(sum(range(1, 16))):
        line.answered()
    assert width() == 16
    for _ in range(100):
        line.answered()
    assert width() == 16


_client: HubChatClient


def ask_again(question: str) -> list[str]:
    return ask(_client, [question])


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_other_processes_ask_after_their_parent_has(server: ChatServer, start: str) -> None:
    global _client
    _client = client(server, 4)
    assert ask(_client, ["one", "two"]) == ["#one", "#two"]
    with multiprocessing.get_context(start).Pool(2) as pool:
        if start == "fork":
            assert pool.map(ask_again, ["three", "four"]) == [["#three"], ["#four"]]
        assert pool.apply(ask, (_client, ["five"])) == ["#five"]
    assert ask(_client, ["six"]) == ["#six"]


def test_nothing_is_left_behind(server: ChatServer) -> None:
    before = set(threading.enumerate())
    asked = client(server, 2)
    ask(asked, ["one"])
    copy = pickle.loads(pickle.dumps(asked))
    [thread] = [each for each in set(threading.enumerate()) - before if each.name == "chat requests"]
    del asked
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
    assert ask(copy, ["two"]) == ["#two"]


def test_an_interrupted_batch_ends_and_keeps_what_was_answered(server: ChatServer, tmp_path: Path) -> None:
    once = threading.Lock()

    def script(question: str) -> str:
        if len(server.requests) >= 20 and once.acquire(blocking=False):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            server.released.wait(0.2)
        return "#cloud"

    server.script, server.pause = script, 0.01
    posts = [f"post {number}" for number in range(400)]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        generator = ChatGenerator(client(server, 4), store=store)
        with pytest.raises(KeyboardInterrupt):
            generator.generate(posts, [[]] * 400)
        kept, before = len(store), len(server.requests)
        assert 10 <= kept <= before < 100
        assert len(generator.generate(posts, [[]] * 400)) == 400
        assert len(server.requests) - before == 400 - kept


RUN = """
    import sys
    from right_hf.generator import ChatGenerator, HubChatClient, Requests, AnswerStore

    client = HubChatClient("tiny/chat", base_url=sys.argv[1], requests=Requests(concurrency=8))
    generator = ChatGenerator(client, store=AnswerStore(sys.argv[2]))
    for first in range(0, 320, 16):
        posts = [f"post {number}" for number in range(first, first + 16)]
        generator.generate(posts, [[]] * 16)
"""


@pytest.mark.slow
def test_two_runs_killed_at_once_go_on(server: ChatServer, tmp_path: Path) -> None:
    """Both write to one file, are killed in the midst of it, and of what was answered nothing is asked again."""
    file, enough = tmp_path / "answers.sqlite", threading.Event()

    def script(question: str) -> str:
        if len(server.requests) > 200:
            enough.set()
        return "#cloud"

    server.script, server.pause = script, 0.01
    command = [sys.executable, "-c", textwrap.dedent(RUN), server.base_url, str(file)]
    runs = [subprocess.Popen(command) for _ in range(2)]
    try:
        assert enough.wait(100)
    finally:
        for run in runs:
            run.kill()
            run.wait()
    posts = [f"post {number}" for number in range(320)]
    with AnswerStore(file) as store:
        kept, before = len(store), len(server.requests)
        assert kept >= 100
        found = ChatGenerator(client(server, 8), store=store).generate(posts, [[]] * 320)
        assert [each.hashtags for each in found] == [["cloud"]] * 320
        assert len(server.requests) - before == 320 - kept
