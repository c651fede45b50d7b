"""`right-hf serve` in a process of its own, as users start it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.support.paths import ROOT
from tests.support.readme_snippets import blocks

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
    log: Path, *options: str, token: str | None = TOKEN, python: str | Path = sys.executable
) -> Iterator[Running]:
    """Starts a server on a free port, and waits until it answers."""
    environment = {name: value for name, value in os.environ.items() if name not in ("RIGHT_HF_TOKEN", "PYTHONPATH")}
    environment |= {} if token is None else {"RIGHT_HF_TOKEN": token}
    command = [str(python), "-m", "right_hf", "serve", "--port", "0", "--no-demo", *options]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, env=environment, cwd=log.parent)
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


PAGE = ROOT / "right_hf" / "server" / "README.md"


def documented(language: str, server: Running) -> list[str]:
    """The page's blocks in a language, as they ask a server that runs."""
    found = [block for kind, block in blocks(PAGE) if kind == language]
    assert found
    return [block.replace("http://127.0.0.1:8000", server.url).replace("a-long-secret", TOKEN) for block in found]


def ask_by_curl(server: Running) -> list[str]:
    """What the page's requests by curl give; none of them fails."""
    commands = [line for block in documented("curl", server) for line in block.strip().splitlines()]
    return [
        subprocess.run(
            [*shlex.split(line), "-sS", "--fail-with-body"], capture_output=True, text=True, check=True
        ).stdout
        for line in commands
    ]
