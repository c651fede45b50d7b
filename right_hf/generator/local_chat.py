"""A chat model on this machine: a decoder-only transformers model, asked in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import AutoModelForCausalLM

from right_hf.generator.chat_store import Message
from right_hf.generator.chat_template import ChatTemplate
from right_hf.generator.rows import padded
from right_hf.loading import load_model, load_tokenizer


class LocalChatClient:
    """Asks a local model, greedily unless told otherwise. Nothing leaves the machine.

    Args:
        model: A decoder-only model.
        tokenizer: Its tokenizer; see [`ChatTemplate`] for what it makes of a conversation.
        name: Hub id of the model; it stands for the model in saved settings and in an answer store.
        revision: Commit of the model.
        batch_size: Questions generated for at once.
        max_new_tokens: Tokens of an answer.
    """

    #: What a checkpoint may say of it, and of which type.
    saved: ClassVar[dict[str, Any]] = {"model": str, "revision": str | None, "max_new_tokens": int}

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        name: str,
        revision: str | None = None,
        batch_size: int = 16,
        max_new_tokens: int = 64,
    ) -> None:
        self.network = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.revision = revision
        self.batch_size = batch_size
        self.max_new_tokens = max_new_tokens
        self.chat = ChatTemplate(tokenizer)

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path,
        revision: str | None = None,
        dtype: torch.dtype | str = "auto",
        device: Any = "cpu",
        max_new_tokens: int = 64,
        **hub: Any,
    ) -> LocalChatClient:
        """Loads a model from the Hub or a folder; safetensors only, and never code of the repository.

        Args:
            model: Hub id or folder.
            revision: Branch, tag or commit on the Hub.
            dtype: Of the weights.
            device: Where they go.
            max_new_tokens: Tokens of an answer.
            hub: `token`, `cache_dir`, `local_files_only` of transformers.
        """
        hub = {"local_files_only": False, "revision": revision, **hub}
        network = load_model(AutoModelForCausalLM, model, dtype, **hub).to(device)
        state = _folder_state(Path(model)) if Path(model).is_dir() else None
        commit = state or getattr(network.config, "_commit_hash", revision)
        return cls(network, load_tokenizer(model, **hub), str(model), commit, max_new_tokens=max_new_tokens)

    @property
    def settings(self) -> dict[str, Any]:
        """Model, its commit, and defaults of generation."""
        known = {"model": self.name, "revision": self.revision, "max_new_tokens": self.max_new_tokens}
        return {"client": "local", **known}

    @torch.inference_mode()
    def complete(
        self, conversations: Sequence[Sequence[Message]], keep: Callable[[int, str], None], **generation: Any
    ) -> None:
        """Generates the next message of each conversation, see [`right_hf.generator.chat_client.ChatClient.complete`].

        Of a prompt that is too long for the model the middle is left out.

        Args:
            conversations: Each a list of messages.
            keep: Called with the number of a conversation and its answer.
            generation: Arguments of `model.generate`.

        Raises:
            ValueError: More than one sequence a question is asked for, or the answer fills the whole context.
        """
        if generation.get("num_return_sequences", 1) != 1:
            raise ValueError("A chat model gives one answer a question: leave num_return_sequences at 1.")
        settings: dict[str, Any] = {"max_new_tokens": self.max_new_tokens, "do_sample": False} | generation
        if not settings["do_sample"]:  # else a model's own sampling settings are warned of at every call
            settings = {"temperature": None, "top_p": None, "top_k": None} | settings
        context = getattr(self.network.config.get_text_config(), "max_position_embeddings", None)
        room = None if context is None else context - settings["max_new_tokens"]
        if room is not None and room < 2:
            raise ValueError(
                f"max_new_tokens={settings['max_new_tokens']} leaves no room for a question in the model's context of "
                f"{context} tokens. Give fewer."
            )
        prompts = [_without_middle(self.chat.ids(messages), room) for messages in conversations]
        order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            for number, answer in zip(batch, self._answers([prompts[i] for i in batch], settings), strict=True):
                keep(number, answer)

    def _answers(self, prompts: Sequence[Sequence[int]], settings: dict[str, Any]) -> list[str]:
        """Answers to prompts, generated as one batch padded on the left."""
        padding = self.tokenizer.pad_token_id
        padding = self.tokenizer.eos_token_id if padding is None else padding
        ids, mask = (part.to(self.network.device) for part in padded(prompts, padding or 0, left=True))  # (B, S)
        outputs = self.network.generate(input_ids=ids, attention_mask=mask, pad_token_id=padding, **settings)
        answers: list[str] = self.tokenizer.batch_decode(outputs[:, ids.shape[1] :], skip_special_tokens=True)
        return answers


def _without_middle(ids: list[int], room: int | None) -> list[int]:
    """`ids`, or their beginning and end if there are more than `room`."""
    if room is None or len(ids) <= room:
        return ids
    return [*ids[: room // 2], *ids[len(ids) - (room - room // 2) :]]


def _folder_state(folder: Path) -> str:
    """Changes when a file of `folder` is written, so that answers of a model before its training are not taken."""
    files = sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir())
    return hashlib.sha256(repr(files).encode()).hexdigest()
