"""The segments of a post on the level of token ids: how SEGTRM's input is laid out.

input   <global, segment, t_1 … t_a, segment, t_(a+1) … t_b, …>
output  O = <h_1, SEP2, h_2, ..., SEP2, h_|H|>
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tokenizers import AddedToken

from right_hf.generator.prompt import SEP2, HashtagFormat

GLOBAL = "<global>"
SEGMENT = "<segment>"
#: The authors' public configuration.
MAX_SEGMENTS = 15
SEGMENT_LENGTH = 15


def split_segments(ids: Sequence[int], longest: int = SEGMENT_LENGTH) -> list[list[int]]:
    """Cuts tokens into as few segments of at most `longest` tokens as hold them all, as equal in length as can be.

    With the default length all segments have 10 to 15 tokens, apart from those of posts of less than 10 or 16 to 19.

    Returns:
        At least one segment; that of an empty post is empty.
    """
    count = max(1, -(-len(ids) // longest))
    bounds = [len(ids) * i // count for i in range(count + 1)]
    return [list(ids[start:end]) for start, end in pairwise(bounds)]


def add_segment_tokens(tokenizer: Any) -> Any:
    """Gives a tokenizer the tokens of SEGTRM's structure that it lacks; returns the tokenizer.

    A tokenizer without an end-of-sequence token, such as BERT's, uses its separator as one.
    """
    if tokenizer.eos_token is None:
        tokenizer.eos_token = tokenizer.sep_token
    vocabulary = tokenizer.get_vocab()
    lacking = [token for token in (GLOBAL, SEGMENT, SEP2) if token not in vocabulary]
    tokens = [AddedToken(token, lstrip=True, rstrip=True, special=True) for token in lacking]
    tokenizer.add_tokens(tokens, special_tokens=True)
    return tokenizer


class SegmentFormat(HashtagFormat):
    """Builds inputs and outputs of a SEGTRM from posts and hashtags, and reads its outputs.

    Args:
        tokenizer: A tokenizer with the tokens of [`add_segment_tokens`].
        max_source_length: Tokens of the input; as many whole segments as fit, at most 15. A post is cut to them.
        max_target_length: Tokens of the output, end included.

    Raises:
        ValueError: The tokenizer lacks a token of the structure, or not even one segment fits.
    """

    needed = (GLOBAL, SEGMENT)
    remedy = (
        "Pass it through reproduction.segtrm.add_segment_tokens, or load the tokenizer that was saved with the model."
    )

    def __init__(self, tokenizer: Any, max_source_length: int = 241, max_target_length: int = 100) -> None:
        super().__init__(tokenizer, max_source_length, max_target_length)
        self.global_token, self.segment_token = tokenizer.convert_tokens_to_ids([GLOBAL, SEGMENT])
        self.segments = min(MAX_SEGMENTS, (max_source_length - 1) // (1 + SEGMENT_LENGTH))
        if self.segments < 1:
            raise ValueError(
                f"max_source_length must be at least {2 + SEGMENT_LENGTH}, for one segment, got {max_source_length}."
            )

    def source(self, post: str, hashtags: Sequence[str]) -> list[int]:
        """Token ids of the input.

        Raises:
            ValueError: There are hashtags, which SEGTRM does not read.
        """
        if hashtags:
            raise ValueError(
                f"SEGTRM reads the post alone, got {len(hashtags)} retrieved hashtags. RIGHT needs a Seq2SeqGenerator."
            )
        return self._laid_out(self._post(post, self.segments * SEGMENT_LENGTH))

    def _laid_out(self, ids: Sequence[int]) -> list[int]:
        segments = split_segments(ids)
        return [self.global_token, *(token for segment in segments for token in (self.segment_token, *segment))]

    def thinned(self, source: Sequence[int], kept: Sequence[bool]) -> list[int]:
        """An input without the tokens that are not `kept`, cut into segments anew."""
        pairs = zip(source, kept, strict=True)
        return self._laid_out([token for token, keep in pairs if keep and token not in self.structure])
