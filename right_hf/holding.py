"""Folders that are open for changes: one holder at a time, and nobody replaces a folder under its holder."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from right_hf.forks import renewed_in_children
from right_hf.layout import LOCK_FILE, config_file


class Occupant(Protocol):
    """What is open on a folder, and goes with it when its own owner replaces the folder."""

    def lives_in(self, folder: Path) -> bool:
        """Whether it is open on this folder.

        Raises:
            RuntimeError: It ought to be, but the folder was replaced, or another process holds it.
        """
        ...

    def moving(self, new: Path, final: Path) -> AbstractContextManager[None]:
        """Lasts while the folder `new`, which holds the state of a while ago, becomes `final`.

        Raises:
            RuntimeError: It cannot go with it.
        """
        ...


class HasOccupants(Protocol):
    """A component, which may be open on a folder."""

    def occupants(self) -> dict[Path, Occupant]:
        """Its occupants by where they are written to inside of its folder."""
        ...


def occupants_of(parts: Mapping[str, HasOccupants]) -> dict[Path, Occupant]:
    """The occupants of components that are written into folders of these names."""
    return {Path(name) / inner: found for name, part in parts.items() for inner, found in part.occupants().items()}


class FolderLock:
    """A lock on a folder, held until it is released. A forked child neither has it nor can release it.

    Raises:
        RuntimeError: It is held elsewhere, in this process or another.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._lock = FileLock(folder / LOCK_FILE, timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise RuntimeError(f"{folder} is open for changes elsewhere. Close that retriever first.") from None
        _HELD.add(self)

    def release(self) -> None:
        """Lets the folder go."""
        self._lock.release()

    def forget(self) -> None:
        """Closes the file without unlocking it, for the lock is the parent's; not every filelock does so itself."""
        context: Any = self._lock._context
        if (descriptor := context.lock_file_fd) is not None:
            os.close(descriptor)
            context.lock_file_fd = None


_HELD = renewed_in_children(FolderLock.forget)


def at_home(folder: Path, occupants: Mapping[Path, Occupant]) -> dict[Path, Occupant]:
    """Those occupants that are open on the very folders inside of `folder` where they belong.

    Raises:
        RuntimeError: See [`Occupant.lives_in`].
    """
    places = {inner: folder / inner for inner in occupants}
    # What a link leads to stays where it is when the folder around the link is replaced.
    return {
        inner: occupants[inner]
        for inner, place in places.items()
        if place.resolve() == place and occupants[inner].lives_in(place)
    }


@contextmanager
def nobody_inside(folder: Path, but: Collection[Path] = (), lasting: bool = False) -> Iterator[None]:
    """Makes sure that nobody holds the folder or one inside of it, and that nobody opens one meanwhile.

    Args:
        folder: The folder.
        but: Folders that the caller holds.
        lasting: Whether those that nobody has ever opened are held, too, for which a file is made in them.

    Raises:
        RuntimeError: Somebody does; the message says where and what to do.
    """
    names = (LOCK_FILE, config_file("retriever")) if lasting else (LOCK_FILE,)
    with ExitStack() as stack:
        for place in sorted({path.parent for name in names for path in folder.rglob(name)} - {*but}):
            try:
                with suppress(OSError):  # a folder that is read-only, or a drive that knows no locks
                    stack.callback(FolderLock(place).release)
            except RuntimeError:
                raise RuntimeError(
                    f"{place} is open for changes elsewhere, which would be lost if it were replaced. Nothing was "
                    "written. Close that retriever first, or choose another folder."
                ) from None
        yield
