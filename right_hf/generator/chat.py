"""The chat model as a generator: zero-shot, or with retrieved hashtags as RIGHT (paper, tables 2 and 3)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from typing_extensions import Self

from right_hf.generator.base import Generation, Generator
from right_hf.generator.chat_client import HubChatClient
from right_hf.generator.chat_prompts import chat_messages, check_prompt
from right_hf.generator.chat_requests import Requests
from right_hf.generator.chat_store import AnswerStore, Message, question_key
from right_hf.generator.hashtags import parse_hashtags
from right_hf.vocabulary import Vocabulary

#: Servers, separated by spaces, that checkpoints may send posts to.
CONSENT_VARIABLE = "RIGHT_HF_SEND_POSTS_TO"


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


class ChatGenerator(Generator):
    """Asks a chat model for hashtags, and takes nothing but hashtags from its answer.

    Copies (`copy`, `pickle`) and forked children have connections of their own, and share the store.

    Args:
        client: Asks the model, as a [`HubChatClient`] does.
        language: Of the prompt, "en" or "zh".
        store: Keeps the answers, so that a stopped run asks only what is left; also open to change later.
        template: Of the prompt: "paper", or "short" for a model that was tuned with it.

    Raises:
        ValueError: There is no prompt in that language, or no such template.
    """

    type = "chat"

    def __init__(
        self, client: ChatClient, language: str = "en", store: AnswerStore | None = None, template: str = "paper"
    ) -> None:
        check_prompt(language, template)
        self.client = client
        self.language = language
        self.store = store
        self.template = template

    @property
    def settings(self) -> dict[str, Any]:
        """Language, template, and which model where; never a key."""
        return {"language": self.language, "template": self.template, **self.client.settings}

    def generate(
        self,
        posts: Sequence[str],
        contexts: Sequence[Sequence[str]],
        candidates: Sequence[Sequence[str]] | None = None,
        *,
        allowed: Vocabulary | None = None,
        **generation: Any,
    ) -> list[Generation]:
        """Writes hashtags for each post: zero-shot where its context is empty, else as RIGHT.

        A chat model tells no likelihoods, so `candidates` are not scored and `log_likelihoods` stay empty. An answer
        without hashtags gives an empty list; what the paper's evaluation makes of that ("None") is the metrics' affair.
        `generation` goes to the client, for example `max_new_tokens`. The model knows nothing of `allowed`, which no
        protocol of chats has room for: its answer is filtered, so that little may be left. See [`Generator.generate`].

        Raises:
            ChatError: Some posts got no answer. Those that did are in the store, if there is one.
        """
        settings = {**self.client.settings, **generation}
        asked = [chat_messages(*pair, self.language, self.template) for pair in zip(posts, contexts, strict=True)]
        keys = [question_key(settings, messages) for messages in asked]
        questions = dict(zip(keys, asked, strict=True))
        kept = {key: self.store.get(key) if self.store else None for key in questions}
        answers = {key: answer for key, answer in kept.items() if answer is not None}
        open_keys = [key for key in questions if key not in answers]

        def keep(number: int, answer: str) -> None:
            answers[open_keys[number]] = answer
            if self.store is not None:
                self.store.add(open_keys[number], answer)

        if open_keys:
            self.client.complete([questions[key] for key in open_keys], keep, **generation)
        written = (parse_hashtags(answers[key], split_words=self.language == "en") for key in keys)
        return [Generation(tags if allowed is None else allowed.kept(tags), {}) for tags in written]

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        send_posts_to: str | None = None,
        api_key: str | None = None,
        store: AnswerStore | str | Path | None = None,
        concurrency: int | None = None,
    ) -> Self:
        """Loads what [`save_pretrained`] wrote.

        A checkpoint may come from anybody, and this one says where posts are sent. So its server is used only if the
        user names that very server.

        Args:
            folder: A folder with the settings.
            send_posts_to: The server that may read the posts: its `base_url`, or `hub:` and the provider. By default
                any of those that the environment variable RIGHT_HF_SEND_POSTS_TO lists.
            api_key: The server's key, see [`HubChatClient`].
            store: Keeps the answers; or its file, which several processes of a machine may share.
            concurrency: Requests under way at once, see [`right_hf.generator.chat_requests.Requests`].

        Raises:
            PermissionError: The server was not named. The message says which it is.
            ValueError: The settings are damaged or hold anything else.
        """
        settings = cls.saved_settings(Path(folder))
        kind, known = settings.pop("client", None), HubChatClient.saved
        if kind == "local":
            raise ValueError(
                f"{folder} asks {settings.get('model')!r:.200} on this machine, which now a decoder does. Load that "
                "model and its tokenizer with transformers, and save DecoderGenerator(model, tokenizer, language, "
                'template="paper") in its place.'
            )
        prompt = {"language": settings.pop("language", "en"), "template": settings.pop("template", "paper")}
        if kind != "hub" or set(settings) != set(known):
            raise ValueError(
                f"{folder} holds no settings of a chat model: expected client 'hub' and {', '.join(known)}, got client "
                f"{kind!r:.40} and {', '.join(settings)}."
            )
        for name, value in settings.items():
            if not isinstance(value, known[name]) or isinstance(value, bool):
                raise ValueError(f"{folder}: {name} must be of type {known[name]}, got {value!r:.80}.")
        requests = Requests() if concurrency is None else Requests(concurrency=concurrency)
        client = HubChatClient(api_key=api_key, requests=requests, **settings)
        allowed = [send_posts_to] if send_posts_to else os.environ.get(CONSENT_VARIABLE, "").split()
        if client.server not in allowed:
            raise PermissionError(
                f"The generator in {folder} would send every post to {client.server!r} (model {client.model!r}). "
                "Nothing was sent. If that server may read the posts, pass "
                f"send_posts_to={client.server!r} to from_pretrained (in model_kwargs of pipeline()), or set "
                f"{CONSENT_VARIABLE}={client.server} in the environment."
            )
        return cls(client, store=AnswerStore(store) if isinstance(store, (str, Path)) else store, **prompt)
