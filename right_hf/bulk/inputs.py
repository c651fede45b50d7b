"""The files of posts that somebody names: by a path, a pattern or a folder, on this machine or behind any `fsspec`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import split_protocol, url_to_fs
from fsspec.registry import known_implementations
from fsspec.utils import glob_translate

from right_hf.hub.errors import explained

#: Formats by the endings of files.
FORMATS = {".parquet": "parquet", ".jsonl": "jsonl", ".jsonl.gz": "jsonl"}
#: Where file systems tell that a file was changed, the surest first.
_STATES = ("ETag", "etag", "blob_id", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")
#: Names that begin so are no data, for Spark, Arrow and Ray, too.
_HIDDEN = (".", "_")


@dataclass(frozen=True)
class Input:
    """A file of posts.

    Attributes:
        file: Its address, whole; of this machine, a path.
        size: In bytes.
        state: What changes with its content, as far as the file system tells: a hash or a time.
    """

    file: str
    size: int
    state: str | None = None

    @property
    def format(self) -> str:
        """`parquet` or `jsonl`."""
        return FORMATS[_ending(self.file) or ".jsonl"]

    @property
    def is_compressed(self) -> bool:
        """Whether it can only be read from its beginning."""
        return self.file.endswith(".gz")


def open_place(address: str | Path) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        ImportError: A package is missing that knows its protocol.
        ValueError: Nobody knows its protocol.
    """
    address = os.fspath(address)
    protocol = split_protocol(address)[0] or "file"
    try:
        system, path = url_to_fs(os.path.expanduser(address) if protocol == "file" else address)
    except ImportError as error:
        package = str(known_implementations.get(protocol, {}).get("class", protocol)).partition(".")[0]
        raise ImportError(f"Reading {address} needs the package {package}: pip install {package}") from error
    except ValueError as error:
        known = "a path, or an address such as s3://…, gs://…, hf://datasets/user/name/…"
        raise ValueError(f"{address} cannot be opened ({error}). Give {known}.") from error
    return system, path


def whole_address(system: Any, path: str) -> str:
    """The address by which any process finds a path; of this machine, an absolute path."""
    return path if is_local(system) else str(system.unstrip_protocol(path))


def is_local(system: Any) -> bool:
    """Whether a file system is that of this machine."""
    return isinstance(system, fsspec.get_filesystem_class("file"))


def list_inputs(pattern: str) -> list[Input]:
    """The files of posts that a path, a pattern with `*`, `?`, `[…]` and `**`, or a folder names, by their addresses.

    Of a folder those are taken whose ending is known, from its folders, too; hidden ones are left out.

    Raises:
        FileNotFoundError: There is none.
        ValueError: A file is of no known format, or there are two formats.
        ImportError: See [`open_place`].
        PermissionError, ConnectionError: See [`right_hf.hub.errors.explained`].
    """
    system, path = open_place(pattern)
    with explained(pattern) if pattern.startswith("hf://") else nullcontext():
        named = _named(system, path)
    if not named:
        raise FileNotFoundError(
            f"No file matches {pattern}. Give a file, a folder, or a pattern such as 'posts/*.parquet' in quotes."
        )
    inputs = [Input(whole_address(system, name), int(info["size"]), _state(info)) for name, info in named.items()]
    if unknown := [one.file for one in inputs if _ending(one.file) is None]:
        raise ValueError(f"{unknown[0]} is of no known format. Expected a file that ends with {', '.join(FORMATS)}.")
    if len({one.format for one in inputs}) > 1:
        raise ValueError(f"{pattern} names files of two formats, parquet and JSONL. Annotate one after the other.")
    return sorted(inputs, key=lambda one: one.file)


def refuse_overlap(pattern: str, inputs: list[Input], output: str, part: str) -> None:
    """Refuses an output whose parts would be inputs of the next run, or that holds some of these.

    Args:
        pattern: What names the inputs.
        inputs: They.
        output: The whole address of the output.
        part: A file that will be in it.

    Raises:
        ValueError: They overlap.
    """
    system, path = open_place(pattern)
    named, written = whole_address(system, path).rstrip("/"), f"{output}/{part}"
    inside = any(one.file.startswith(f"{output}/") for one in inputs)
    matched = re.fullmatch(glob_translate(named), written) if _is_pattern(named) else written.startswith(f"{named}/")
    if inside or matched:
        raise ValueError(f"The output {output} lies where the input {pattern} is read. Choose another folder for it.")


def _named(system: Any, path: str) -> Mapping[str, Any]:
    """The files that a path names, with what is known of each."""
    if _is_pattern(path) and not system.exists(path):
        found = system.glob(path, detail=True)
        return {name: info for name, info in found.items() if info["type"] == "file"}
    if system.isdir(path):
        start = len(path.rstrip("/")) + 1
        return {
            name: info
            for name, info in system.find(path, detail=True).items()
            if _ending(name) and not any(piece.startswith(_HIDDEN) for piece in name[start:].split("/"))
        }
    return {path: system.info(path)} if system.exists(path) else {}


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _ending(name: str) -> str | None:
    return next((ending for ending in FORMATS if name.lower().endswith(ending)), None)


def _state(info: Mapping[str, Any]) -> str | None:
    return next((str(info[name]) for name in _STATES if info.get(name) is not None), None)
