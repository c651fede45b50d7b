"""What can go wrong with an answer, and how often."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field


@dataclass
class Fault:
    """Spoils the answers to some requests.

    Attributes:
        pattern: Regular expression that is searched in "METHOD /path".
        status: Answers with this status instead.
        headers: Headers of that answer.
        cut_after: Ends the connection after so many bytes of the answer's body; with 0 before any answer, and
            without doing what was asked for.
        cut_after_doing: Does what was asked for, then ends the connection without an answer.
        damage: Changes one byte of the body.
        hold: Says no more until the server stops: nothing at all, or after `cut_after` bytes.
        times: So many requests are spoilt.
        struck: Set once an answer is held back.
    """

    pattern: str
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    cut_after_doing: bool = False
    damage: bool = False
    hold: bool = False
    times: int = 1
    struck: threading.Event = field(default_factory=threading.Event)

    def strikes(self, request: str) -> bool:
        """Whether it spoils this request; counts down."""
        if self.times <= 0 or not re.search(self.pattern, request):
            return False
        self.times -= 1
        return True

    def spoil(self, body: bytes) -> bytes:
        """The body with one byte changed, if that is the fault."""
        return bytes([body[0] ^ 0xFF]) + body[1:] if self.damage and body else body
