"""How many questions a second one process asks of a chat server that takes 50 ms for each.

make benchmark
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from right_hf.generator import HubChatClient, Requests
from tests.benchmarks.told import tell
from tests.support.paths import ROOT

pytestmark = [pytest.mark.benchmark, pytest.mark.loopback, pytest.mark.timeout(300)]

PAUSE = 0.05
#: Requests at once, and questions.
SIZES = {1: 40, 16: 320, 64: 1_280, 128: 1_280}
SERVER = f"""
import sys
from tests.support.chat_server import chat_server
with chat_server() as server:
    server.pause = {PAUSE}
    print(server.base_url, flush=True)
    sys.stdin.read()
"""


def speed(base_url: str, concurrency: int, questions: int) -> float:
    client = HubChatClient("tiny/chat", base_url=base_url, requests=Requests(concurrency))
    asked = [[{"role": "user", "content": f"{number} {'word ' * 150}"}] for number in range(questions)]
    client.complete(asked[:concurrency], lambda number, answer: None)  # connections are open
    start = time.perf_counter()
    client.complete(asked, lambda number, answer: None)
    return questions / (time.perf_counter() - start)


def test_many_at_once() -> None:
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdin is not None and server.stdout is not None
        base_url = server.stdout.readline().strip()
        speeds = {concurrency: speed(base_url, concurrency, questions) for concurrency, questions in SIZES.items()}
        server.stdin.close()
    tell("\n| requests at once | requests/s |\n")
    tell("|---|---|\n")
    for concurrency, found in speeds.items():
        tell(f"| {concurrency} | {found:.0f} |\n")
    assert speeds[64] > 10 * speeds[1]
