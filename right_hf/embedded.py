"""The checkpoints that come with the package, by their names: `right-en-small`, the default, and `right-zh-small`."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "checkpoints"
#: Folder of the checkpoint that is taken where none is named: English, trained on openly licensed posts.
DEFAULT_CHECKPOINT = str(_FOLDER / "right-en-small")
#: Their names.
EMBEDDED = ("right-en-small", "right-zh-small")


def embedded(source: str) -> str:
    """The folder of a checkpoint that comes with the package, where a name is one of theirs; else what was given.

    A folder of that name where the process runs goes before it.
    """
    return str(_FOLDER / source) if source in EMBEDDED and not Path(source).exists() else source


def knowing_names(pipeline: Any) -> Any:
    """The function `pipeline` of transformers, which takes these names for what they are and asks no server."""

    @wraps(pipeline)
    def named(task: Any = None, model: Any = None, *arguments: Any, **keywords: Any) -> Any:
        return pipeline(task, embedded(model) if isinstance(model, str) else model, *arguments, **keywords)

    return named
