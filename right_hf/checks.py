"""Checks of what users give: numbers, posts, places and devices; each says what was given and what to do instead."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from numbers import Real
from typing import Any

#: What happens to a post that is none: an error that names it, or None in the place of its answer.
ERRORS = ("raise", "skip")
#: Arguments of `generate` that count something, and the least of each.
_COUNTS = {"num_beams": 1, "num_return_sequences": 1, "max_new_tokens": 1, "max_length": 1, "num_beam_groups": 1}
_COUNTS |= {"min_new_tokens": 0, "min_length": 0, "no_repeat_ngram_size": 0, "top_k": 0}
#: Those that are numbers of any kind.
_NUMBERS = ("temperature", "top_p", "min_p", "typical_p", "length_penalty", "repetition_penalty", "diversity_penalty")


def whole_number(value: Any, name: str, least: int = 1) -> int:
    """A whole number of any kind, numpy's too, as an `int`; True and False are not.

    Raises:
        ValueError: It is none, or less than `least`; the message calls it `name`.
    """
    try:
        found = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        found = None
    if found is None or found < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r:.80}. Give a whole number.")
    return found


def probability(value: Any, name: str) -> float:
    """A number between 0 and 1 of any kind, numpy's too, as a `float`.

    Raises:
        ValueError: It is none; the message calls it `name`.
    """
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) <= 1:
        return float(value)
    raise ValueError(f"{name} must lie between 0 and 1, got {value!r:.80}. Give a number, for example 0.5.")


def check_generation(arguments: Mapping[str, Any]) -> None:
    """Refuses arguments of `generate` that are to be numbers and are none.

    Raises:
        TypeError: They have no names.
        ValueError: One is none; the message names it.
    """
    if not isinstance(arguments, Mapping):
        raise TypeError(f'generate_kwargs must be a dict such as {{"num_beams": 4}}, got {arguments!r:.80}.')
    for name, least in _COUNTS.items():
        if arguments.get(name) is not None:
            whole_number(arguments[name], name, least)
    for name in _NUMBERS:
        value = arguments.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
            raise ValueError(f"{name} must be a number, got {value!r:.80}.")


def check_errors(errors: Any) -> None:
    """Refuses what says of `errors` neither "raise" nor "skip".

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(errors, str) or errors not in ERRORS:
        raise ValueError(f'errors must be "raise" or "skip" (None for what is no post), got {errors!r:.80}.')


def text_of(post: Any, errors: str = "raise", row: int | None = None) -> str | None:
    """The text of a post: a string, or what a mapping has under "text"; with `errors="skip"` None for anything else.

    Raises:
        TypeError: It is neither; the message names the `row`, counted from 0, of one among several.
    """
    text = post.get("text") if isinstance(post, Mapping) else post
    if isinstance(text, str):
        return str(text)  # not a subclass, such as numpy's
    if errors == "skip":
        return None
    given, advice = f"{type(post).__name__}: {post!r:.80}", "Pass the post's text, or a list of texts."
    if isinstance(post, Mapping) and "text" in post:
        given = f"a mapping with {text!r:.80} there"
    elif isinstance(post, Mapping):
        given, advice = f"a mapping with {_keys(post)}", 'Pass the text, or of a data set one split: data["train"].'
    if row is not None:
        advice = 'Correct it, or pass errors="skip" to get None for it and go on.'
    named = "A post" if row is None else f"Post {row} (counted from 0)"
    raise TypeError(f"{named} must be a string (or a mapping with a string under 'text'), got {given}. {advice}")


def texts_of(posts: Any, errors: str = "raise") -> list[str | None]:
    """The texts of several posts, see [`text_of`].

    Raises:
        TypeError: These are no posts, or one is none.
        ValueError: `errors` is neither "raise" nor "skip".
    """
    check_errors(errors)
    check_posts(posts, "recommend({})")
    return [text_of(post, errors, row) for row, post in enumerate(posts)]


def check_posts(posts: Any, call: str) -> None:
    """Refuses what can be gone through but holds no posts in order: something else than was meant would be answered.

    Args:
        posts: What stands where several posts are wanted.
        call: How they are passed, with `{}` in their place, for the message.

    Raises:
        TypeError: It is a table, a mapping, a string, bytes, a set, or cannot be gone through at all.
    """
    kind = type(posts).__name__
    given, instead = "", ""
    if isinstance(posts, str):
        given, instead = "one string", f"[{posts!r:.40}]"
    elif isinstance(posts, Mapping):
        given, instead = f"a {kind} with {_keys(posts)}", '[post["text"]]' if "text" in posts else 'data["train"]'
    elif isinstance(posts, (bytes, bytearray, memoryview)):
        given, instead = f"{kind}, which are no text yet", "[post.decode()]"
    elif isinstance(posts, AbstractSet):
        given, instead = f"a {kind}, which has no order to answer in", "list(posts)"
    elif is_table(posts):
        given = (
            f"a {kind} with the columns {', '.join(map(str, list(getattr(posts, 'column_names', posts.columns))[:5]))}"
        )
        instead = 'frame["text"]'
    elif getattr(posts, "ndim", 1) == 0 or not (isinstance(posts, Iterable) or hasattr(posts, "__getitem__")):
        given, instead = f"a {kind}: {posts!r:.80}", "[post]"
    if given:
        raise TypeError(f"{call.format('')} takes a list of posts, got {given}. Pass {call.format(instead)}.")


def is_table(posts: Any) -> bool:
    """Whether it is a data frame, of whatever library: going through one gives the names of its columns."""
    columns = getattr(posts, "columns", getattr(posts, "collect_schema", None))
    return columns is not None and len(getattr(posts, "shape", (0, 0))) == 2


def _keys(mapping: Mapping[Any, Any]) -> str:
    return f"the keys {', '.join(map(repr, list(mapping)[:5]))}" if mapping else "no keys"


def place(given: Any) -> str:
    """A folder, with `~` as the home folder, or a Hub id that somebody gave.

    Raises:
        TypeError: It is no text or path.
        ValueError: It is empty.
    """
    if not isinstance(given, (str, os.PathLike)):
        raise TypeError(f"Expected a folder or a Hub id, got {type(given).__name__}: {given!r:.80}.")
    if not os.fspath(given).strip():
        raise ValueError(
            "Expected a folder or a Hub id, got an empty text. Name a checkpoint, or leave the option out."
        )
    return os.path.expanduser(os.fspath(given))


def check_dtype(dtype: Any) -> None:
    """Refuses what names no dtype of weights.

    Raises:
        ValueError: It is neither a floating-point dtype of torch nor the name of one, nor "auto".
    """
    if isinstance(dtype, str) and dtype == "auto":
        return
    import torch

    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) else dtype
    if not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ValueError(f'dtype must be "auto", or one of torch such as "float32" or "bfloat16", got {dtype!r:.80}.')


def accelerator_type() -> str | None:
    """What kind of device networks run fastest on here, such as "cuda"; None where there is only the CPU."""
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if found is None else found.type


def check_device(device: Any) -> None:
    """Refuses a device that this machine does not have.

    Raises:
        ValueError: There is no such device; the message names those that there are.
    """
    if isinstance(device, str) and device == "cpu":
        return
    import torch

    there = ["cpu"]
    if (accelerator := accelerator_type()) is not None:
        there += [accelerator, *(f"{accelerator}:{i}" for i in range(torch.accelerator.device_count()))]
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if found is None or (str(found) not in there and found.type not in ("cpu", "meta")):
        raise ValueError(f"There is no device {device!r:.80} here. Give one of {', '.join(there)}.")
