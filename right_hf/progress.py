"""Progress bars: all of this package are made here, and here all are switched off, other libraries' included."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

#: The libraries that draw bars of their own, and what hides these: a function each of a module, with its opposite, for
#: one that is there already, and a variable for one that is imported later.
_LIBRARIES = {
    "datasets": ("{}_progress_bars", "HF_DATASETS_DISABLE_PROGRESS_BARS"),
    "huggingface_hub.utils": ("{}_progress_bars", "HF_HUB_DISABLE_PROGRESS_BARS"),
    "transformers.utils.logging": ("{}_progress_bar", "HF_HUB_DISABLE_PROGRESS_BARS"),
}
_shown = True


def progress_bars(enabled: bool) -> None:
    """Shows or hides progress bars: those of this package, `transformers`, `datasets` and `huggingface_hub`."""
    global _shown
    _shown = enabled
    for module, (function, variable) in _LIBRARIES.items():
        if module in sys.modules:
            getattr(sys.modules[module], function.format("enable" if enabled else "disable"))()
        elif enabled:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = "1"


def shows_progress() -> bool:
    """Whether progress bars are shown; a Trainer is told the opposite, as its argument `disable_tqdm`."""
    return _shown


@contextmanager
def hidden_bars() -> Iterator[None]:
    """No bars of this package are begun meanwhile, as within work of which a bar is shown."""
    global _shown
    before, _shown = _shown, False
    try:
        yield
    finally:
        _shown = before


def bar(items: Iterable[Any] | None, what: str, unit: str = "it", **options: Any) -> Any:
    """The items, and how far they have been gone through shown meanwhile.

    Args:
        items: Anything to iterate; None for a bar that is told by `update` how far the work is, within `with`.
        what: Stands beside the bar.
        unit: What is counted.
        options: Further ones of `tqdm`, such as `total`.
    """
    from tqdm.auto import tqdm

    return tqdm(items, desc=what, unit=unit, disable=not _shown, **options)


def batches(items: Sequence[T], size: int, what: str) -> Iterator[Sequence[T]]:
    """The items in order, `size` at a time; `what` stands beside the progress bar."""
    for start in bar(range(0, len(items), size), what, "batch"):
        yield items[start : start + size]


def batches_of_like_length(texts: Sequence[str], size: int, what: str) -> Iterator[Sequence[int]]:
    """The places of the texts, shortest first, `size` at a time: texts of like length need little padding."""
    return batches(sorted(range(len(texts)), key=lambda row: len(texts[row])), size, what)
