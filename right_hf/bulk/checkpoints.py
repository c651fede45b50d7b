"""A checkpoint by its name: loaded once in each process that answers, and told apart from others by its content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from right_hf.checks import place
from right_hf.embedded import EMBEDDED, embedded
from right_hf.hub.hashes import digest
from right_hf.hub.pull import RECORDS, commit_of, fetch
from right_hf.layout import ROLES
from right_hf.model import RightModel

#: How the Hub is asked, for the checkpoint and for parts that lie elsewhere.
_HUB = ("cache_dir", "local_files_only", "token")

#: How a chat model is asked, which changes no answer.
_HOW = ("concurrency", "store")


@dataclass(frozen=True)
class NamedCheckpoint:
    """What [`RightModel.from_pretrained`] is called with; only that goes to other processes, never the model.

    Attributes:
        source: A folder, a Hub id, or the name of a checkpoint that comes with the package.
        arguments: The others.
    """

    source: str
    arguments: Mapping[str, Any]

    @classmethod
    def of(cls, source: str, **arguments: Any) -> NamedCheckpoint:
        """The checkpoint as any process finds it: folders by their whole paths, one of the Hub by its commit."""
        named = embedded(place(source))
        for role in ROLES:
            if isinstance(arguments.get(role), (str, Path)):
                arguments[role] = _whole(arguments[role])
        if "store" in arguments:
            arguments["store"] = Path(arguments["store"]).resolve()
        root = fetch(named, [], **_hub(arguments, "revision"))
        if (commit := commit_of(named, root)) is not None:
            arguments["revision"] = commit
        own = next((name for name in EMBEDDED if embedded(name) == named), None)  # another machine has it elsewhere
        return cls(own or _whole(named), arguments)

    @cached_property
    def model(self) -> RightModel:
        """The model, loaded when it is first asked for."""
        return RightModel.from_pretrained(self.source, **self.arguments)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "arguments": self.arguments}

    def on(self, device: str) -> NamedCheckpoint:
        """The same checkpoint with its networks elsewhere."""
        return replace(self, arguments={**self.arguments, "device": device})

    def identity(self) -> dict[str, Any]:
        """What the checkpoint and each part that takes another's place is: a commit of the Hub, or hashes of files."""
        found: dict[str, Any] = {"checkpoint": self._identity_of(self.source, "revision")}
        for role in ROLES:
            given = self.arguments.get(role)
            if given is not None:
                found[role] = self._identity_of(given) if given is not False else False
        others = set(self.arguments) - {*ROLES, *_HUB, *_HOW, "revision"}
        return found | {name: str(self.arguments[name]) for name in sorted(others)}

    def _identity_of(self, source: str, *more: str) -> str:
        source = embedded(source)
        if not Path(source).is_dir():
            root = fetch(source, [], **_hub(self.arguments, *more))
            return f"{source}@{commit_of(source, root)}"
        return f"{Path(source).name}:{_digest(Path(source))}"


def _hub(arguments: Mapping[str, Any], *more: str) -> dict[str, Any]:
    return {name: arguments[name] for name in (*_HUB, *more) if arguments.get(name) is not None}


def _whole(source: str | Path) -> str:
    """A folder of this machine by its whole path, which holds wherever a process runs; else what was given."""
    return str(Path(source).resolve()) if Path(source).is_dir() else os.fspath(source)


def _digest(folder: Path) -> str:
    """A hash of the files of a checkpoint, without what only tells of it."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if str(name) not in RECORDS and not any(piece.startswith(".") for piece in name.parts):
            found.update(f"{name.as_posix()}\0{digest(path, hashlib.sha256())}\n".encode())
    return found.hexdigest()
