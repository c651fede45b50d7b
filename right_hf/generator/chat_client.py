"""Asking chat models: what every client offers, and the client of Hub providers and OpenAI-compatible servers."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from huggingface_hub import AsyncInferenceClient

from right_hf.generator.chat_store import Message
from right_hf.generator.retries import FAULTS, Fault, backoff, describe_fault

logger = logging.getLogger(__name__)

#: The key of the server at `base_url`, where the argument does not give it.
KEY_VARIABLE = "RIGHT_HF_CHAT_API_KEY"
#: What is sent where there is no key. Else the Hub client would send the user's Hub token to any server.
_NO_KEY = "EMPTY"
#: When so many questions, or as many as are asked at once, got no answer one after the other, the server is down.
_LOST_IN_A_ROW = 3
#: Arguments of a call and their names in the protocol.
_PARAMETERS = {"max_new_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "seed": "seed"}


class ChatClient(Protocol):
    """Asks a chat model."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the answers, as plain JSON: model, server … Never a key."""
        ...

    def complete(
        self, conversations: Sequence[Sequence[Message]], keep: Callable[[int, str], None], **generation: Any
    ) -> None:
        """Asks for the next message of each conversation.

        Args:
            conversations: Each a list of messages with `role` and `content`.
            keep: Called with the number of a conversation and its answer as soon as there is one, in any order.
            generation: How to generate, for example `max_new_tokens`.

        Raises:
            ChatError: Some conversations got no answer.
        """
        ...


class ChatError(RuntimeError):
    """Some questions got no answer.

    Attributes:
        answered: How many got one.
        unanswered: How many got none.
    """

    def __init__(self, message: str, answered: int, unanswered: int) -> None:
        super().__init__(message)
        self.answered = answered
        self.unanswered = unanswered


class HubChatClient:
    """Asks a model of a Hub provider, or of any server that speaks OpenAI's chat completions (vLLM, TGI, llama.cpp).

    Posts are sent to that server. Requests that fail for a passing reason (HTTP 408, 409, 425, 429 and 5xx, time-outs,
    lost connections, answers that are none) are made again after growing waits; what Retry-After asks for holds for all
    requests. When requests fail in a row, or the server turns the key or the model down, the rest is not asked.

    Args:
        model: Id of the model, on the Hub or as the server calls it.
        base_url: Address of the server, such as `http://localhost:8000/v1`; None for providers of the Hub.
        provider: Provider of the Hub, "auto" for its choice.
        api_key: Key of the server; by default RIGHT_HF_CHAT_API_KEY. Of a Hub provider: by default the Hub token, which
            is never sent to a `base_url`.
        concurrency: Requests under way at once.
        timeout: Seconds for a whole answer.
        retries: Further attempts after the first.
        first_wait: Seconds before the second attempt; doubled each time.
        longest_wait: Seconds waited at most; if the server asks for more, the request has failed.
        max_new_tokens: Tokens of an answer, reasoning included.
        temperature: 0 for the likeliest answer; None where the model takes no temperature.
        skip_refused: Whether a question that the server refuses (HTTP 400, 413, 422; content filters do so) counts as
            answered without hashtags, with a warning. Else it is an error.

    Raises:
        ValueError: `base_url` or a number makes no sense.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        provider: str = "auto",
        api_key: str | None = None,
        concurrency: int = 8,
        timeout: float = 60.0,
        retries: int = 5,
        first_wait: float = 1.0,
        longest_wait: float = 60.0,
        max_new_tokens: int = 512,
        temperature: float | None = 0.0,
        skip_refused: bool = False,
    ) -> None:
        if concurrency < 1 or retries < 0 or timeout <= 0 or max_new_tokens < 1:
            raise ValueError(
                "concurrency and max_new_tokens must be at least 1, retries at least 0, timeout more than 0; got "
                f"{concurrency}, {max_new_tokens}, {retries}, {timeout}."
            )
        self.model = model
        self.base_url = None if base_url is None else _checked_address(base_url)
        self.provider = provider
        self._key = _checked_key(api_key or (os.environ.get(KEY_VARIABLE) or _NO_KEY if base_url else None))
        self.concurrency = concurrency
        self.timeout = timeout
        self.retries = retries
        self.first_wait = first_wait
        self.longest_wait = longest_wait
        self.max_new_tokens = max_new_tokens
        self.temperature = temperature
        self.skip_refused = skip_refused

    def __repr__(self) -> str:
        return f"HubChatClient({self.model!r} at {self.server})"

    @property
    def server(self) -> str:
        """Who gets the posts: the server's address, or `hub:` and the provider."""
        return self.base_url or f"hub:{self.provider}"

    @property
    def settings(self) -> dict[str, Any]:
        """Model, server and defaults of generation. No key."""
        return {
            "client": "hub",
            "model": self.model,
            "base_url": self.base_url,
            "provider": self.provider,
            "max_new_tokens": self.max_new_tokens,
            "temperature": self.temperature,
        }

    def complete(
        self, conversations: Sequence[Sequence[Message]], keep: Callable[[int, str], None], **generation: Any
    ) -> None:
        """Asks for the next message of each conversation, see [`ChatClient.complete`].

        Of `generation`, `max_new_tokens`, `temperature`, `top_p` and `seed` are known.
        """
        if unknown := sorted(set(generation) - set(_PARAMETERS)):
            raise TypeError(f"Unknown argument {unknown[0]!r} for a chat server. Known: {', '.join(_PARAMETERS)}.")
        chosen = {"max_new_tokens": self.max_new_tokens, "temperature": self.temperature} | generation
        parameters = {_PARAMETERS[name]: value for name, value in chosen.items() if value is not None}
        _run(_Requests(self, self._key, parameters, conversations, keep).make())


class _Requests:
    """The requests of one call of `complete`, made by so many workers as may be under way at once."""

    def __init__(
        self,
        client: HubChatClient,
        key: str | None,
        parameters: dict[str, Any],
        conversations: Sequence[Sequence[Message]],
        keep: Callable[[int, str], None],
    ) -> None:
        self.client = client
        self.key = key
        self.parameters = parameters
        self.waiting = deque(enumerate(conversations))
        self.asked = len(conversations)
        self.keep = keep
        self.answered = 0
        self.reasons: list[str] = []
        self.in_a_row = 0
        self.not_before = 0.0

    async def make(self) -> None:
        target: dict[str, Any] = {"provider": self.client.provider}
        if self.client.base_url is not None:
            target = {"base_url": self.client.base_url}
        async with AsyncInferenceClient(**target, api_key=self.key, timeout=self.client.timeout) as inference:
            workers = [
                asyncio.ensure_future(self._work(inference)) for _ in range(min(self.client.concurrency, self.asked))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        if unanswered := self.asked - self.answered:
            raise ChatError(
                f"{unanswered} of {self.asked} questions got no answer from {self.client.model} at "
                f"{self.client.server}. The first failed because: {self.reasons[0]}. What was answered is kept where "
                "there is an answer store; run it again to ask the rest.",
                self.answered,
                unanswered,
            )

    async def _work(self, inference: AsyncInferenceClient) -> None:
        while self.waiting:
            number, messages = self.waiting.popleft()
            answer = await self._ask(inference, messages)
            if isinstance(answer, Fault):
                reason = self._without_key(answer.reason)
                logger.warning("No answer to question %d: %s", number, reason)
                if answer.refused and self.client.skip_refused:
                    answer = ""
                else:
                    self.reasons.append(reason)
                    self.in_a_row += not answer.refused
                    hopeless = not answer.temporary and not answer.refused
                    if hopeless or self.in_a_row >= max(_LOST_IN_A_ROW, self.client.concurrency):
                        self.waiting.clear()
                    continue
            self.in_a_row = 0
            self.keep(number, answer)
            self.answered += 1

    async def _ask(self, inference: AsyncInferenceClient, messages: Sequence[Message]) -> str | Fault:
        """The answer, or why there is none after all attempts."""
        for attempt in range(self.client.retries + 1):
            while (pause := self.not_before - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            try:
                return await asyncio.wait_for(self._request(inference, messages), self.client.timeout)
            except FAULTS as error:
                fault = describe_fault(error)
            too_long = (fault.wait or 0.0) > self.client.longest_wait
            if not fault.temporary or too_long or attempt == self.client.retries:
                break
            wait = backoff(attempt, self.client.first_wait, self.client.longest_wait)
            if fault.wait is not None:
                self.not_before = max(self.not_before, time.monotonic() + fault.wait)
                wait = max(wait, fault.wait)
            logger.info("Asking again in %.1f s: %s", wait, self._without_key(fault.reason))
            await asyncio.sleep(wait)
        if too_long:
            return fault._replace(reason=f"{fault.reason}, and asks to wait {fault.wait:.0f} s", temporary=False)
        return fault

    async def _request(self, inference: AsyncInferenceClient, messages: Sequence[Message]) -> str:
        output = await inference.chat_completion(
            [dict(message) for message in messages], model=self.client.model, **self.parameters
        )
        content = output.choices[0].message.content
        if content is not None and not isinstance(content, str):
            raise TypeError("the content of the message is no text")
        return content or ""  # nothing is said where a filter cut in, or reasoning used up all tokens

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key and self.key != _NO_KEY else text


def _run(task: Coroutine[Any, Any, None]) -> None:
    """Runs `task` to its end, also from within a running event loop such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(task)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, task).result()


def _checked_address(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must be an address such as http://localhost:8000/v1, got {base_url!r:.100}.")
    if not (base_url.isascii() and base_url.isprintable() and " " not in base_url):
        raise ValueError(f"base_url must be printable ASCII without spaces, got {base_url!a:.100}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("base_url must hold no user, password or query, for it is saved and shown. Give api_key.")
    return base_url.rstrip("/")


def _checked_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("The API key must be printable ASCII without spaces. Is there a line break at its end?")
    return key
