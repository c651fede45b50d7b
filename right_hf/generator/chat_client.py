"""The client of chat models: of Hub providers and of servers that speak OpenAI's chat completions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from right_hf.forks import Lock, leave_to_parents, renewed_in_children
from right_hf.generator.chat_line import Line
from right_hf.generator.chat_requests import Questions, Requests
from right_hf.generator.chat_store import Message

#: The key of the server at `base_url`, where the argument does not give it.
KEY_VARIABLE = "RIGHT_HF_CHAT_API_KEY"
#: What is sent where there is no key. Else the Hub client would send the user's Hub token to any server.
_NO_KEY = "EMPTY"
#: Arguments of a call and their names in the protocol.
_PARAMETERS = {"max_new_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p", "seed": "seed"}


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


@dataclass(eq=False, repr=False)
class HubChatClient:
    """Asks a model of a Hub provider, or of any server that speaks OpenAI's chat completions (vLLM, TGI, llama.cpp).

    Posts are sent to that server. Requests that fail for a passing reason (HTTP 408, 409, 425, 429 and 5xx, time-outs,
    lost connections, answers that are none) are made again after growing waits. What Retry-After asks for holds for all
    requests of the client, in whatever thread, of which fewer are made at once for a while. When requests fail in a
    row, or the server turns the key or the model down, the rest is not asked.

    Args:
        model: Id of the model, on the Hub or as the server calls it.
        base_url: Address of the server, such as `http://localhost:8000/v1`; None for providers of the Hub.
        provider: Provider of the Hub, "auto" for its choice.
        api_key: Key of the server; by default RIGHT_HF_CHAT_API_KEY. Of a Hub provider: by default the Hub token, which
            is never sent to a `base_url`.
        max_new_tokens: Tokens of an answer, reasoning included.
        temperature: 0 for the likeliest answer; None where the model takes no temperature.
        skip_refused: Whether a question that the server refuses (HTTP 400, 413, 422; content filters do so) counts as
            answered without hashtags, with a warning. Else it is an error.
        requests: How many at once, how patiently.

    Raises:
        ValueError: `base_url`, the key or a number makes no sense.
    """

    model: str
    base_url: str | None = None
    provider: str = "auto"
    api_key: InitVar[str | None] = None
    max_new_tokens: int = 512
    temperature: float | None = 0.0
    skip_refused: bool = False
    requests: Requests = field(default_factory=Requests)

    #: What a checkpoint may say of it, and of which type.
    saved: ClassVar[dict[str, Any]] = {
        "model": str,
        "base_url": str | None,
        "provider": str,
        "max_new_tokens": int,
        "temperature": float | int | None,
    }

    def __post_init__(self, api_key: str | None) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, got {self.max_new_tokens}.")
        self.base_url = None if self.base_url is None else _checked_address(self.base_url)
        key = api_key or (os.environ.get(KEY_VARIABLE) or _NO_KEY if self.base_url else None)
        if key is not None and not _is_sendable(key):
            raise ValueError("The API key must be printable ASCII without spaces. Is there a line break at its end?")
        self._key = key
        self._opening = Lock()
        self._line: Line | None = None
        self._made_of: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_line": None}

    def _renew(self) -> None:
        """Forgets connections and threads that are those of a parent."""
        leave_to_parents(self._line)
        self._line = None

    def __repr__(self) -> str:
        return f"HubChatClient({self.model!r} at {self.server})"

    @property
    def server(self) -> str:
        """Who gets the posts: the server's address, or `hub:` and the provider."""
        return self.base_url or f"hub:{self.provider}"

    @property
    def settings(self) -> dict[str, Any]:
        """Model, server and defaults of generation. No key."""
        return {"client": "hub", **{name: getattr(self, name) for name in self.saved}}

    def _opened(self, target: dict[str, Any]) -> Line:
        """The way to the server, opened by whoever asks first."""
        made_of = (target, self.requests)
        with self._opening:
            if self._line is None or self._made_of != made_of:
                self._line, self._made_of = Line(target, self.requests.concurrency, self.requests.timeout), made_of
                _CLIENTS.add(self)
            return self._line

    def complete(
        self, conversations: Sequence[Sequence[Message]], keep: Callable[[int, str], None], **generation: Any
    ) -> None:
        """Asks for the next message of each conversation, see [`right_hf.generator.chat.ChatClient.complete`].

        Of `generation`, `max_new_tokens`, `temperature`, `top_p` and `seed` are known.
        """
        if unknown := sorted(set(generation) - set(_PARAMETERS)):
            raise TypeError(f"Unknown argument {unknown[0]!r} for a chat server. Known: {', '.join(_PARAMETERS)}.")
        chosen = {"max_new_tokens": self.max_new_tokens, "temperature": self.temperature} | generation
        parameters = {_PARAMETERS[name]: value for name, value in chosen.items() if value is not None}
        where: dict[str, Any] = {"provider": self.provider} if self.base_url is None else {"base_url": self.base_url}
        line = self._opened({**where, "api_key": self._key})
        chosen = {"model": self.model, **parameters}
        questions = Questions(line, self._key, chosen, self.requests, self.skip_refused, keep)
        answered, reasons = line.run(questions.ask(conversations))
        if unanswered := len(conversations) - answered:
            raise ChatError(
                f"{unanswered} of {len(conversations)} questions got no answer from {self.model} at {self.server}. The "
                f"first failed because: {reasons[0]}. What was answered is kept where there is an answer store; run it "
                "again to ask the rest.",
                answered,
                unanswered,
            )


_CLIENTS = renewed_in_children(HubChatClient._renew)


def _checked_address(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must be an address such as http://localhost:8000/v1, got {base_url!r:.100}.")
    if not _is_sendable(base_url):
        raise ValueError(f"base_url must be printable ASCII without spaces, got {base_url!a:.100}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("base_url must hold no user, password or query, for it is saved and shown. Give api_key.")
    return base_url.rstrip("/")


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
