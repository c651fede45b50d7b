"""Questions of a chat client: each again where that may help, and no more when the server is down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from tenacity import AsyncRetrying

from right_hf.generator import chat_line
from right_hf.generator.chat_line import Line
from right_hf.generator.chat_store import Message
from right_hf.retries import Fault, policy, retry_after

logger = logging.getLogger(__name__)

#: When so many questions, or as many as are asked at once, got no answer one after the other, the server is down.
_LOST_IN_A_ROW = 3
#: The server understood the question and will not answer it; another question may fare better.
_REFUSALS = frozenset({400, 413, 422})
_TEMPORARY = frozenset({408, 409, 425, 429})
#: The server has too much to do, whoever asks.
_BUSY = frozenset({429, 503})
_MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Requests:
    """How requests are made.

    Attributes:
        concurrency: Under way at once, in all batches and threads of the process; fewer while the server is busy. A
            batch alone cannot have more under way than it has posts.
        timeout: Seconds for a whole answer.
        retries: Further attempts after the first.
        first_wait: Seconds before the second attempt; doubled each time.
        longest_wait: Seconds waited at most; if the server asks for more, the request has failed.

    Raises:
        ValueError: A number makes no sense.
    """

    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 8
    first_wait: float = 1.0
    longest_wait: float = 60.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.retries < 0 or self.timeout <= 0:
            raise ValueError(f"concurrency must be at least 1, retries at least 0, timeout more than 0; got {self}.")


@dataclass(eq=False, repr=False)
class Questions:
    """Questions of one batch.

    Attributes:
        line: The way to the server.
        key: Of the server, which no message shows.
        parameters: Of `chat_completion`.
        how: How many at once, how patiently.
        skip_refused: Whether a question that the server refuses counts as answered with nothing.
        keep: Called with the number of a question and its answer.
    """

    line: Line
    key: str | None
    parameters: dict[str, Any]
    how: Requests
    skip_refused: bool
    keep: Callable[[int, str], None]

    def __post_init__(self) -> None:
        self._reasons: list[str] = []
        self._answered = 0
        self._in_a_row = 0
        self._is_over = False

    async def ask(self, conversations: Sequence[Sequence[Message]]) -> tuple[int, list[str]]:
        """Asks each; returns how many were answered, and why others were not."""
        tasks = [asyncio.ensure_future(self._ask(*each)) for each in enumerate(conversations)]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self._answered, self._reasons

    async def _ask(self, number: int, messages: Sequence[Message]) -> None:
        async with self.line.questions:
            if self._is_over:
                return
            answer = await self._answer(messages)
            if isinstance(answer, Fault):
                logger.warning("No answer to question %d: %s", number, answer.reason)
                if not (answer.refused and self.skip_refused):
                    self._count(answer)
                    return
                answer = ""
            self._in_a_row = 0
            try:
                self.keep(number, answer)
            except BaseException:
                self._is_over = True
                raise
            self._answered += 1

    def _count(self, fault: Fault) -> None:
        """Takes note of a question without an answer, and whether there is any use in asking the rest."""
        self._reasons.append(fault.reason)
        self._in_a_row += not fault.refused
        is_down = self._in_a_row >= max(_LOST_IN_A_ROW, self.how.concurrency)
        self._is_over |= is_down or not (fault.temporary or fault.refused)

    async def _answer(self, messages: Sequence[Message]) -> str | Fault:
        """The answer, or why there is none after all attempts."""
        how = self.how
        again = policy(self._fault, "A question", how.retries + 1, how.first_wait, how.longest_wait, logging.INFO)
        try:
            return await AsyncRetrying(**again, sleep=chat_line.sleep)(self._attempt, messages)
        except Exception as error:
            fault = self._fault(error)
        if (fault.wait or 0.0) > how.longest_wait:
            return replace(fault, reason=f"{fault.reason}, and asks to wait {fault.wait:.0f} s", temporary=False)
        return fault

    async def _attempt(self, messages: Sequence[Message]) -> str:
        async with self.line.turn() as inference:
            asked_at = chat_line.now()
            request = inference.chat_completion([dict(message) for message in messages], **self.parameters)
            try:
                output: Any = await asyncio.wait_for(request, self.how.timeout)
            except HfHubHTTPError as error:
                self._slow_down(error, asked_at)
                raise
            self.line.answered()
        content = output.choices[0].message.content
        if content is not None and not isinstance(content, str):
            raise TypeError("the content of the message is no text")
        return content or ""  # nothing is said where a filter cut in, or reasoning used up all tokens

    def _slow_down(self, error: HfHubHTTPError, asked_at: float) -> None:
        """What a server asks for holds for all requests; one that is busy and names no time gets the first wait."""
        wait = self._fault(error).wait
        if wait is None and error.response.status_code in _BUSY:
            wait = self.how.first_wait
        if wait is not None and wait <= self.how.longest_wait:
            self.line.pause(wait, asked_at)

    def _fault(self, error: Exception) -> Fault:
        fault = _described(error)
        return replace(fault, reason=fault.reason.replace(self.key, "***")) if self.key else fault


def _described(error: Exception) -> Fault:
    said = str(error)
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = " ".join((error.server_message or "").split())[:_MAX_REASON_CHARACTERS]
        temporary = status in _TEMPORARY or status >= 500
        wait = retry_after(error.response.headers.get("retry-after"))
        return Fault(f"HTTP {status}{': ' + said if said else ''}", temporary, wait, status in _REFUSALS)
    if isinstance(error, OfflineModeIsEnabled):
        return Fault("HF_HUB_OFFLINE is set, which forbids the Hub client all requests", temporary=False)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return Fault("no answer within the time-out")
    of_content = isinstance(error, (ValueError, TypeError, LookupError, AttributeError))
    what = "the answer is no chat completion" if of_content else "the connection failed"
    return Fault(f"{what} ({type(error).__name__}: {said[:_MAX_REASON_CHARACTERS]})")
