"""What the sequence-to-sequence generator reads and writes (paper, section 2.3), on the level of token ids.

input   I = <t, SEP1, h_1, SEP1, h_2, ..., SEP1, h_k>
output  O = <h_1, SEP2, h_2, ..., SEP2, h_|H|>
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from right_hf.posts import normalise_hashtag

SEP1 = "<extra_id_0>"
SEP2 = "<extra_id_1>"
#: What a model writes beyond this is no hashtag but a loop.
MAX_HASHTAG_CHARACTERS = 64


class SeparatorFormat:
    """Builds inputs and outputs of a T5-like model from posts and hashtags, and reads its outputs.

    Args:
        tokenizer: A tokenizer with an end-of-sequence token that knows SEP1 and SEP2 as one token each.
        max_source_length: Tokens of the input, end included. A post is cut to leave room for the hashtags.
        max_target_length: Tokens of the output, end included.

    Raises:
        ValueError: The tokenizer lacks one of the separators.
    """

    def __init__(self, tokenizer: Any, max_source_length: int = 180, max_target_length: int = 100) -> None:
        self.tokenizer = tokenizer
        self.max_source_length = max_source_length
        self.max_target_length = max_target_length
        self.sep1, self.sep2 = (tokenizer.convert_tokens_to_ids(token) for token in (SEP1, SEP2))
        missing = [t for t, i in ((SEP1, self.sep1), (SEP2, self.sep2)) if i in (None, tokenizer.unk_token_id)]
        if missing:
            raise ValueError(f"The tokenizer lacks {' and '.join(missing)}. Use a T5 or mT5 tokenizer, or add them.")
        #: Tokens that hold an input together, whatever it says.
        self.structure = frozenset((self.sep1, self.sep2, tokenizer.eos_token_id))
        self._ids = lru_cache(maxsize=100_000)(self._encode)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        # A post may spell out "<extra_id_0>" or "</s>"; it must not forge the structure of its input.
        return [token for token in ids if token not in self.structure]

    def source(self, post: str, hashtags: Sequence[str]) -> list[int]:
        """Token ids of I. Hashtags that do not fit into half of the length are left out, worst first."""
        context: list[int] = []
        for hashtag in hashtags:
            piece = [self.sep1, *self._ids(hashtag)]
            if len(context) + len(piece) > self.max_source_length // 2:
                break
            context.extend(piece)
        room = self.max_source_length - 1 - len(context)
        # A token is at least one character here or there, so far longer text need not be tokenized.
        return [*self._encode(post[: 20 * room])[:room], *context, self.tokenizer.eos_token_id]

    def post_length(self, source: Sequence[int]) -> int:
        """How many token ids of I are the post's, before the first separator or the end."""
        return next(i for i, token in enumerate(source) if token in self.structure)

    def target(self, hashtags: Sequence[str]) -> list[int]:
        """Token ids of O."""
        ids: list[int] = []
        for hashtag in hashtags:
            ids.extend([self.sep2, *self._ids(hashtag)] if ids else self._ids(hashtag))
        return [*ids[: self.max_target_length - 1], self.tokenizer.eos_token_id]

    def hashtags(self, output: Sequence[int]) -> list[str]:
        """Reads hashtags from generated token ids: in order, without repeats and without what is too long for one."""
        pieces: list[list[int]] = [[]]
        for token in output:
            if token == self.tokenizer.eos_token_id:
                break
            if token == self.sep2:
                pieces.append([])
            elif token != self.sep1:  # which mT5 does not count among its special tokens
                pieces[-1].append(token)
        texts = (self.tokenizer.decode(piece, skip_special_tokens=True) for piece in pieces if piece)
        hashtags = dict.fromkeys(normalise_hashtag(text) for text in texts)
        return [hashtag for hashtag in hashtags if 0 < len(hashtag) <= MAX_HASHTAG_CHARACTERS]
