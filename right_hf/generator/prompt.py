"""What the sequence-to-sequence generator reads and writes (paper, section 2.3), on the level of token ids.

input   I = <t, SEP1, h_1, SEP1, h_2, ..., SEP1, h_k>
output  O = <h_1, SEP2, h_2, ..., SEP2, h_|H|>
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from right_hf.memo import Memo
from right_hf.text.degenerate import is_degenerate
from right_hf.text.hashtags import normalise_hashtag

SEP1 = "<extra_id_0>"
SEP2 = "<extra_id_1>"
#: What a model writes beyond this is no hashtag but a loop.
MAX_HASHTAG_CHARACTERS = 64


class HashtagFormat:
    """Builds inputs and outputs of a T5-like model from posts and hashtags, and reads its outputs.

    Args:
        tokenizer: A tokenizer with an end-of-sequence token that knows SEP1 and SEP2 as one token each.
        max_source_length: Tokens of the input, end included. A post is cut to leave room for the hashtags.
        max_target_length: Tokens of the output, end included.

    Raises:
        ValueError: The tokenizer lacks a token of the structure.
    """

    #: Tokens that the input needs; a subclass with another input needs others, as the output needs SEP2.
    needed: tuple[str, ...] = (SEP1,)
    #: What to do where the tokenizer lacks one.
    remedy = "Use a T5 or mT5 tokenizer, or add them."

    def __init__(self, tokenizer: Any, max_source_length: int = 180, max_target_length: int = 100) -> None:
        self.tokenizer = tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        names = (*self.needed, SEP2)
        ids = dict(zip(names, tokenizer.convert_tokens_to_ids(list(names)), strict=True))
        missing = [name for name, token in ids.items() if token in (None, tokenizer.unk_token_id)]
        if missing:
            raise ValueError(f"The tokenizer lacks {' and '.join(missing)}. {self.remedy}")
        self.sep1: Any = ids.get(SEP1)  # None where the input needs none
        self.sep2: int = ids[SEP2]
        #: Tokens that hold an input or output together, whatever it says.
        self.structure = frozenset((*ids.values(), tokenizer.eos_token_id))
        #: Tokens that end an output.
        self.ends: frozenset[int] = frozenset((tokenizer.eos_token_id,))
        self._ids = Memo(self._encode)

    @property
    def settings(self) -> dict[str, Any]:
        """The lengths."""
        return {"max_source_length": self.max_source_length, "max_target_length": self.max_target_length}

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        # A post may spell out "<extra_id_0>" or "</s>"; it must not forge the structure of its input.
        return [token for token in ids if token not in self.structure]

    def _post(self, post: str, room: int) -> list[int]:
        """The first `room` token ids of a post."""
        # A token is at least one character here or there, so far longer text need not be tokenized.
        return self._encode(post[: 20 * room])[:room]

    def source(self, post: str, hashtags: Sequence[str]) -> list[int]:
        """Token ids of I. Hashtags that do not fit into half of the length are left out, worst first."""
        context: list[int] = []
        for hashtag in hashtags:
            piece = [self.sep1, *self._ids(hashtag)]
            if len(context) + len(piece) > self.max_source_length // 2:
                break
            context.extend(piece)
        room = self.max_source_length - 1 - len(context)
        return [*self._post(post, room), *context, self.tokenizer.eos_token_id]

    def post_length(self, source: Sequence[int]) -> int:
        """How many token ids of I are the post's, before the first separator or the end."""
        return next(i for i, token in enumerate(source) if token in self.structure)

    def thinned(self, source: Sequence[int], kept: Sequence[bool]) -> list[int]:
        """I without the tokens of its post that are not `kept`; the rest stays whole.

        Args:
            source: What `source` gave.
            kept: For each position of `source` whether its token stays, if it is the post's.
        """
        post = self.post_length(source)
        return [*(token for token, keep in zip(source[:post], kept, strict=False) if keep), *source[post:]]

    def target(self, hashtags: Sequence[str]) -> list[int]:
        """Token ids of O."""
        ids: list[int] = []
        for hashtag in hashtags:
            ids.extend([self.sep2, *self._ids(hashtag)] if ids else self._ids(hashtag))
        return [*ids[: self.max_target_length - 1], self.tokenizer.eos_token_id]

    def spellings(self, hashtags: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """Token ids of each hashtag as the first of O, and as a further one with the separator before it."""
        batch = self.tokenizer(list(hashtags), add_special_tokens=False, return_attention_mask=False, verbose=False)[
            "input_ids"
        ]
        first = [[token for token in ids if token not in self.structure] for ids in batch]
        return first, [[self.sep2, *ids] if ids else [] for ids in first]

    def hashtags(self, output: Sequence[int]) -> list[str]:
        """Reads hashtags from generated token ids: in order, without repeats, loops and what is too long for one."""
        pieces: list[list[int]] = [[]]
        for token in output:
            if token == self.tokenizer.eos_token_id:
                break
            if token == self.sep2:
                pieces.append([])
            elif token not in self.structure:  # mT5 does not count SEP1 among its special tokens
                pieces[-1].append(token)
        texts = (self.tokenizer.decode(piece, skip_special_tokens=True) for piece in pieces if piece)
        hashtags = dict.fromkeys(normalise_hashtag(text) for text in texts)
        return [tag for tag in hashtags if 0 < len(tag) <= MAX_HASHTAG_CHARACTERS and not is_degenerate(tag)]
