"""`right-hf serve` in a process of its own, as users start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

TOKEN = "a-token-for-tests"


@dataclass
class Running:
    """A server that runs.

    Attributes:
        process: Its process.
        url: Where it answers.
        log: Where its standard error goes.
        client: Asks it, with the token.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for a socket."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Ends it; gives its exit code."""
        self.process.send_signal(how)
        return self.process.wait(60)


@contextmanager
def running(
    log: Path, *options: str, token: str | None = TOKEN, before: Callable[[], None] | None = None
) -> Iterator[Running]:
    """Starts a server on a free port, and waits until it answers; `before` is called in its process."""
    environment = {name: value for name, value in os.environ.items() if name != "RIGHT_HF_TOKEN"}
    environment |= {} if token is None else {"RIGHT_HF_TOKEN": token}
    command = [sys.executable, "-m", "right_hf", "serve", "--port", "0", "--no-demo", *options]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, env=environment, preexec_fn=before)
    try:
        yield Running(process, _address(process, log), log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that a server says it answers on."""
    while True:
        for line in log.read_text(encoding="utf-8").splitlines():
            if (found := line.partition("answering on ")[2]) and line.startswith("right-hf:"):
                return found.split()[0]
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError(f"The server ended: {log.read_text(encoding='utf-8')}")
