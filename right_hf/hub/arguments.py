"""The arguments that everything that reads from the Hub, or writes to it, takes under the same names."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class HubArguments(TypedDict, total=False):
    """Where on the Hub something is read, and how.

    Attributes:
        revision: Branch, tag or commit; by default the main branch.
        token: Of somebody who may read it; by default the one of `hf auth login`.
        cache_dir: Where downloads are kept.
        local_files_only: Whether only what is in the cache is used, and no network asked.
        force_download: Whether what is in the cache is downloaded again.
    """

    revision: str | None
    token: str | bool | None
    cache_dir: str | Path | None
    local_files_only: bool
    force_download: bool


class UploadArguments(TypedDict, total=False):
    """How something is uploaded.

    Attributes:
        commit_message: First line of the commit's message.
        commit_description: The rest of it.
        private: Whether a new repository is private; an existing one stays as it is.
        revision: Branch to commit to; made if there is none.
        create_pr: Whether a pull request is opened instead.
        token: Of the user who pushes; by default the one of `hf auth login`.
    """

    commit_message: str
    commit_description: str | None
    private: bool | None
    revision: str | None
    create_pr: bool
    token: str | bool | None


def hub_arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Takes those of [`HubArguments`] that are set out of `given`."""
    taken = {name: given.pop(name) for name in HubArguments.__annotations__ if name in given}
    if taken.get("cache_dir") is not None:
        taken["cache_dir"] = os.path.expanduser(taken["cache_dir"])
    return {name: value for name, value in taken.items() if value is not None}


def show_arguments(function: F, *sources: Any, without: Iterable[str] = ()) -> F:
    """Lets `help` and editors see what `**arguments` of a function stand for.

    Args:
        function: The last parameter is a `**` one.
        sources: What it stands for: typed dictionaries, all of whose entries are optional, or functions, of which the
            keyword-only parameters and those with a default count.
        without: Names of parameters that are not shown.
    """
    *own, _ = inspect.signature(function).parameters.values()
    shown = {parameter.name: parameter for parameter in own}
    for parameter in (parameter for source in sources for parameter in _parameters(source)):
        if parameter.name not in without:
            shown.setdefault(parameter.name, parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
    function.__signature__ = inspect.Signature(list(shown.values()))  # type: ignore[attr-defined]
    return function


def _parameters(source: Any) -> list[inspect.Parameter]:
    if isinstance(source, type):
        kinds = source.__annotations__.items()
        return [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=k) for n, k in kinds]
    found = inspect.signature(source).parameters.values()
    return [p for p in found if p.default is not p.empty or p.kind is p.KEYWORD_ONLY]
