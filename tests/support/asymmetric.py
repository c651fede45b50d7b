"""A tokenizer for encoders of tests."""

from __future__ import annotations

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split, Whitespace


def tokenizer_of_letters(letters: str) -> Tokenizer:
    """One whose tokens are single letters."""
    tokenizer = Tokenizer(WordLevel({"?": 0} | {letter: at + 1 for at, letter in enumerate(letters)}, unk_token="?"))
    tokenizer.pre_tokenizer = Sequence([Whitespace(), Split("", "isolated")])
    return tokenizer
