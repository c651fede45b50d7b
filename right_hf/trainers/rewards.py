"""Rewards of GRPO: what an answer is worth, given the hashtags of the post's author.

Each is a pure function of one answer; [`reward_functions`] makes of them what TRL's GRPOTrainer calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from right_hf.generator.hashtags import parse_hashtags

#: The pieces that an answer lists, see [`listed`]; None for an answer that did not end.
Reader = Callable[[Sequence[int]], "list[str] | None"]


def listed(answer: str, split_words: bool = True) -> list[str]:
    """What stands before and after each hash sign of an answer such as `#dev ops #cloud`, in order, repeats included.

    A hashtag is given as the parser reads it ([`right_hf.generator.parse_hashtags`]), what is none as an empty string;
    blanks before the first hash sign do not count.
    """
    before, *pieces = answer.split("#")
    found = [next(iter(parse_hashtags(f"#{piece}", split_words)), "") for piece in pieces]
    return ["", *found] if before.strip() else found


def f1_reward(hashtags: Sequence[str], gold: Sequence[str]) -> float:
    """F1 = 2 |P ∩ G| / (|P| + |G|) of an answer's different hashtags P against gold G, in [0, 1].

    It is 0 where either is empty. Unlike micro F1@K, which counts over all posts, every post weighs the same.
    """
    predicted, wanted = set(hashtags), set(gold)
    return 2 * len(predicted & wanted) / (len(predicted) + len(wanted)) if predicted and wanted else 0.0


def format_reward(pieces: Sequence[str] | None) -> float:
    """0 for an answer that came to its end and lists nothing but hashtags, minus the share of its other pieces.

    Args:
        pieces: What the answer lists, an empty string for each piece that is no hashtag; None where it has no end.

    Returns:
        A number in [-1, 0]; -1 for an answer without an end or without any hashtag.
    """
    if not pieces:
        return -1.0
    return sum(1 for piece in pieces if piece) / len(pieces) - 1.0


def duplicate_reward(pieces: Sequence[str] | None) -> float:
    """Minus the share of the hashtags that repeat an earlier one, in (-1, 0]; 0 where there are none."""
    hashtags = [piece for piece in pieces or () if piece]
    return len(set(hashtags)) / len(hashtags) - 1.0 if hashtags else 0.0


def reward_functions(read: Reader) -> list[Callable[..., list[float | None]]]:
    """The three rewards as functions of a batch, under the names `f1`, `format` and `duplicates` in the logs.

    Args:
        read: Reads the token ids of an answer.
    """

    def f1(completion_ids: Sequence[Sequence[int]], gold: Sequence[Sequence[str]], **_: Any) -> list[float | None]:
        written = [[piece for piece in found or () if piece] for found in map(read, completion_ids)]
        return [f1_reward(*pair) for pair in zip(written, gold, strict=True)]

    def format(completion_ids: Sequence[Sequence[int]], **_: Any) -> list[float | None]:
        return [format_reward(found) for found in map(read, completion_ids)]

    def duplicates(completion_ids: Sequence[Sequence[int]], **_: Any) -> list[float | None]:
        return [duplicate_reward(found) for found in map(read, completion_ids)]

    return [f1, format, duplicates]
