"""Messages as a decoder-only model reads them: through the chat template of its tokenizer, or as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from right_hf.generator.chat_prompts import DELIMITERS
from right_hf.generator.chat_store import Message

#: Ends the prompt of a model without a chat template.
PLAIN_ENDING = "\n\nHashtags:"
_PLAIN_ENDINGS = {"user": PLAIN_ENDING, "assistant": "\n\n"}
_WORDS = "a-place-for-the-answer"
_QUESTION = [{"role": "user", "content": "?"}]
_ANSWER = {"role": "assistant", "content": _WORDS}


class ChatTemplate:
    """Turns messages into the token ids of a prompt.

    Args:
        tokenizer: With a chat template that is used, reasoning switched off where the template can; without one the
            prompt is the plain text of the messages.

    Attributes:
        lead: What stands between the last message and the answer.
        gap: What the template puts between that and the words of an answer: a blank or nothing.
        end: The token that ends an answer: what the template writes after one, else the end of a sequence.

    Raises:
        ValueError: The tokenizer has no token that ends an answer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.is_plain = tokenizer.chat_template is None
        added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        # Added words and blanks hold nothing together.
        marks = {*tokenizer.all_special_tokens, *(token for token in added if re.search(r"[^\w\s#]", token))}
        # No post can hold a delimiter of the prompt, see `enclosed`; the prompt itself keeps its own.
        marks -= set(DELIMITERS)
        self._marks = sorted((mark for mark in marks if len(mark) > 1), key=lambda mark: (-len(mark), mark))
        self.lead, self.gap, after = PLAIN_ENDING, " ", list[int]()
        if not self.is_plain:
            asked = self._rendered(_QUESTION, add_generation_prompt=True)
            self.lead = asked.removeprefix(self._rendered(_QUESTION, add_generation_prompt=False))
            whole = self._rendered([*_QUESTION, _ANSWER], add_generation_prompt=False)
            self.gap = " " if whole.startswith(f"{asked} {_WORDS}") else ""
            after = tokenizer(whole.rpartition(_WORDS)[2].lstrip(), add_special_tokens=False)["input_ids"]
        is_mark = bool(after) and str(tokenizer.convert_ids_to_tokens(after[0])) in self._marks
        if not is_mark and tokenizer.eos_token_id is None:
            raise ValueError("The tokenizer has no token that ends an answer. Give it an eos_token.")
        self.end = int(after[0] if is_mark else tokenizer.eos_token_id)

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt."""
        return self.encode(self.text(messages))

    def text(self, messages: Sequence[Message]) -> str:
        """The prompt, up to where the answer begins; special tokens that a message spells out are text."""
        if self.is_plain:
            # A question ends with what an answer follows.
            parts = [self.defused(message["content"]) + _PLAIN_ENDINGS[message["role"]] for message in messages]
            return "".join(parts)
        return self._rendered(messages, add_generation_prompt=True)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text that begins as a prompt does."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=self.is_plain, verbose=False)["input_ids"]
        # Some tokenizers end every text, after which a model has nothing to say.
        ended = self.is_plain and len(ids) > 1 and ids[-1] == self.tokenizer.eos_token_id
        return ids[:-1] if ended else ids

    def defused(self, text: str) -> str:
        """The text with every special token in it spaced out, so that it is read as its characters."""
        for mark in self._marks:
            text = text.replace(mark, " ".join(mark))
        return text

    def _rendered(self, messages: Sequence[Message], **settings: Any) -> str:
        defused = [{**message, "content": self.defused(message["content"])} for message in messages]
        text: str = self.tokenizer.apply_chat_template(defused, tokenize=False, enable_thinking=False, **settings)
        return text
