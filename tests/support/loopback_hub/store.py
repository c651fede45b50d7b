"""Repositories as the Hub keeps them: commits with history, branches, tags and pull requests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

#: Endings of files that the Hub keeps as large files.
_LARGE = (".safetensors", ".parquet", ".npy", ".bin", ".pt", ".model")


def git_hash(content: bytes) -> str:
    """The name that git gives to a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str, size: int) -> bool:
    return path.endswith(_LARGE) or size > 10_000_000


@dataclass(frozen=True)
class File:
    """A file in a commit."""

    content: bytes
    large: bool

    @property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest() if self.large else git_hash(self.content)

    @property
    def oid(self) -> str:
        """The name in git: of the pointer, for a large file."""
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.etag}\nsize {len(self.content)}\n"
        return git_hash(pointer.encode()) if self.large else self.etag

    def entry(self, path: str, xet: str | None = None) -> dict[str, Any]:
        """The file as the tree listing shows it; `xet` is its hash in content-addressed storage."""
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(self.content), "oid": self.oid}
        if self.large:
            entry["lfs"] = {"oid": self.etag, "size": len(self.content), "pointerSize": 134}
        if xet is not None:
            entry["xetHash"] = xet
        return entry


@dataclass(frozen=True)
class Commit:
    """A state of a repository."""

    files: dict[str, File]
    title: str
    description: str
    parent: str | None

    @property
    def sha(self) -> str:
        names = "".join(f"{path}{file.oid}" for path, file in sorted(self.files.items()))
        return hashlib.sha1(f"{names}{self.title}{self.description}{self.parent}".encode()).hexdigest()

    def entries(self, xet: Mapping[str, str]) -> list[dict[str, Any]]:
        """Folders and files as listings show them; `xet` names files in content-addressed storage by their hashes."""
        folders = sorted({str(folder) for path in self.files for folder in PurePosixPath(path).parents} - {"."})
        shown = [{"type": "directory", "path": folder, "size": 0, "oid": git_hash(b"")} for folder in folders]
        return shown + [file.entry(path, xet.get(file.etag)) for path, file in sorted(self.files.items())]


@dataclass
class Repo:
    """A repository of models or data sets."""

    kind: str
    name: str
    private: bool = False
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        attributes = File(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n", large=False)
        self.add(Commit({".gitattributes": attributes}, "initial commit", "", None), "main")

    def add(self, commit: Commit, ref: str) -> str:
        """Puts a commit at the head of a branch, tag or pull request."""
        self.commits[commit.sha] = commit
        self.refs[ref] = commit.sha
        return commit.sha

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag, pull request or hash means; None where there is none."""
        return self.refs.get(revision) or (revision if revision in self.commits else None)

    def at(self, revision: str = "main") -> Commit:
        sha = self.resolve(revision)
        assert sha is not None, f"{self.name} has no revision {revision}"
        return self.commits[sha]

    def paths(self, revision: str = "main") -> set[str]:
        """The files at a revision, without the one that every repository has."""
        return set(self.at(revision).files) - {".gitattributes"}

    def put(self, path: str, content: bytes, ref: str = "main") -> str:
        """Commits one file, as a user would in the browser."""
        head = self.at(ref)
        files = head.files | {path: File(content, is_large(path, len(content)))}
        return self.add(Commit(files, f"Update {path}", "", head.sha), ref)

    def history(self, ref: str = "main") -> list[str]:
        """The titles of the commits, newest first, without the initial one."""
        titles: list[str] = []
        commit = self.at(ref)
        while commit.parent is not None:
            titles.append(commit.title)
            commit = self.commits[commit.parent]
        return titles
