"""What a decoder-only generator reads and writes: the chat model's prompt, and `#dev ops #cloud`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from right_hf.generator.chat_prompts import MAX_POST_CHARACTERS, Shot, chat_messages, hashtag_text
from right_hf.generator.chat_store import Message
from right_hf.generator.chat_template import ChatTemplate
from right_hf.generator.hashtags import parse_hashtags
from right_hf.memo import Memo

#: Hashtags by which it is seen whether the first of an answer is spelt as any other.
_COMPARED = 64
#: How tokenizers write a blank and a new line.
_BLANKS = str.maketrans("Ġ▁Ċ", "  \n")


class DecoderFormat:
    """Builds prompts and answers of a decoder-only model, and reads what it wrote.

    Prompts are those of [`right_hf.generator.ChatGenerator`], token for token, so that a model tuned with them can be
    asked through a server too.

    Args:
        tokenizer: The model's tokenizer, with a chat template or without one.
        language: Of the prompt, "en" or "zh".
        template: "paper", "short" or "brief", see [`right_hf.generator.chat_prompts.TEMPLATES`].
        max_prompt_length: Tokens of a prompt. A post is cut to fit; the instruction never is.
        max_target_length: Tokens of an answer, end included.
        ends: Further tokens that end an answer.
        shots: Examples that come before each post, for a model that was not tuned.

    Raises:
        ValueError: There is no such prompt or no room for a post beside it, or the tokenizer cannot write hashtags.
    """

    def __init__(
        self,
        tokenizer: Any,
        language: str = "en",
        template: str = "paper",
        max_prompt_length: int = 512,
        max_target_length: int = 64,
        ends: Collection[int] = (),
        shots: Sequence[Shot] = (),
    ) -> None:
        self.tokenizer = tokenizer
        self.language = language
        self.template = template
        self.shots = tuple(Shot(post, tuple(context), tuple(answer)) for post, context, answer in shots)
        self.max_prompt_length = max_prompt_length
        self.max_target_length = max_target_length
        self.chat = ChatTemplate(tokenizer)
        #: Ends an answer in training.
        self.end = self.chat.end
        #: Fills prompts up on the left, where nothing reads it.
        self.padding = int(self.end if tokenizer.pad_token_id is None else tokenizer.pad_token_id)
        self._lead_ids = self._encode(self.chat.lead)
        self._answer = Memo(self._answer_ids)
        surfaces = {id_: token.translate(_BLANKS) for token, id_ in tokenizer.get_vocab().items()}
        lines = {id_ for id_, text in surfaces.items() if "\n" in text or text == "<0x0A>"}
        known = (self.end, tokenizer.eos_token_id, *ends)
        #: Tokens that end an answer; where there are no turns, so does a new line.
        self.ends = frozenset(id_ for id_ in known if id_ is not None) | (lines if self.chat.is_plain else frozenset())
        #: Token ids of the blank and the hash sign between two hashtags.
        self.separator = self.answer(["a", ""])[len(self.answer(["a"])) :]
        #: Further tokens with which the next hashtag may begin.
        self.starts = frozenset(id_ for id_, text in surfaces.items() if text.startswith(" #")) - {*self.separator[:1]}
        self._least = len(self.chat.ids(self.prompt_messages("", [])))
        if self._least >= max_prompt_length:
            raise ValueError(
                f"The {template} prompt alone has {self._least} tokens, so max_prompt_length={max_prompt_length} "
                "leaves no room for a post. Give more, or the template 'short'."
            )
        if self.hashtags(self.target(["a", "a a"])) != ["a", "a a"]:
            raise ValueError(
                "The tokenizer cannot write '#a #a a': what it writes reads "
                f"{self.tokenizer.decode(self.target(['a', 'a a']))!r}. A tokenizer of hashtags needs the hash sign."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """Language, template and lengths, and the examples where there are some."""
        names = ("language", "template", "max_prompt_length", "max_target_length")
        shots = {"shots": [[post, list(context), list(answer)] for post, context, answer in self.shots]}
        return {name: getattr(self, name) for name in names} | (shots if self.shots else {})

    def prompt_messages(self, post: str, hashtags: Sequence[str]) -> list[Message]:
        """The messages of a prompt; a post of any length goes in."""
        return chat_messages(post, hashtags, self.language, self.template, self.shots)

    def completion_text(self, hashtags: Sequence[str]) -> str:
        """The answer as text, without its end; after a plain prompt it begins with a blank."""
        return self.chat.gap + self.chat.defused(hashtag_text(hashtags))

    def prompt(self, post: str, hashtags: Sequence[str]) -> list[int]:
        """Token ids of the prompt for a post and its selected hashtags, best first.

        A post is cut where the prompt would be too long. Hashtags are left out, worst first, where they would take
        more than half of the room that the instruction leaves.
        """
        post = post[:MAX_POST_CHARACTERS]
        ids = self.chat.ids(self.prompt_messages(post, hashtags))
        if len(ids) <= self.max_prompt_length:
            return ids
        offered = list(hashtags)
        most = self._least + (self.max_prompt_length - self._least) // 2
        while offered and len(self.chat.ids(self.prompt_messages("", offered))) > most:
            offered.pop()
        fits, too_long = 0, len(post) + 1
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            ids = self.chat.ids(self.prompt_messages(post[:middle], offered))
            fits, too_long = (middle, too_long) if len(ids) <= self.max_prompt_length else (fits, middle)
        return self.chat.ids(self.prompt_messages(post[:fits], offered))

    def answer(self, hashtags: Sequence[str]) -> list[int]:
        """Token ids of an answer as it follows a prompt, without its end."""
        return list(self._answer(tuple(hashtags)))

    def target(self, hashtags: Sequence[str]) -> list[int]:
        """Token ids of the answer that training aims at, with its end; hashtags that do not fit are left out."""
        kept = list(hashtags)
        while len(kept) > 1 and len(self.answer(kept)) >= self.max_target_length:
            kept.pop()
        return [*self.answer(kept)[: self.max_target_length - 1], self.end]

    def spellings(self, hashtags: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of each hashtag as the first of an answer, and as a further one with the separator before it."""
        before = self._encode(self.completion_text(["a"]))
        whole = self._encoded([self.completion_text(["a", hashtag]) for hashtag in hashtags])
        further = [ids[len(before) :] if ids[: len(before)] == before else [] for ids in whole]
        # After a blank the first is spelt as any other, and tokenizing takes the most time of all.
        some = range(0, len(further), 1 + len(further) // _COMPARED)
        if all(self.answer([hashtags[at]]) == further[at] for at in some):
            return further, further
        return self._following([self.completion_text([hashtag]) for hashtag in hashtags]), further

    def hashtags(self, output: Sequence[int]) -> list[str]:
        """Reads the hashtags of a generated answer, up to its end; nothing else comes out of it."""
        end = next((place for place, token in enumerate(output) if token in self.ends), len(output))
        text = self.tokenizer.decode(output[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        if self.chat.is_plain:
            text = text.partition("\n")[0]
        return parse_hashtags(text, split_words=self.language == "en")

    def _encode(self, text: str) -> list[int]:
        return self._encoded([text])[0]

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        settings = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
        ids: list[list[int]] = self.tokenizer(list(texts), **settings)["input_ids"]
        return ids

    def _answer_ids(self, hashtags: tuple[str, ...]) -> list[int]:
        return self._following([self.completion_text(hashtags)])[0]

    def _following(self, texts: Sequence[str]) -> list[list[int]]:
        """Texts tokenized after what they follow, for tokenizers mark the beginning of a text, which these are not."""
        before, lead = len(self._lead_ids), self._lead_ids
        pairs = zip(texts, self._encoded([self.chat.lead + text for text in texts]), strict=True)
        return [ids[before:] if ids[:before] == lead else self._encode(text) for text, ids in pairs]
