"""Changing a table: one writer, each change whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from typing_extensions import Self

from right_hf.analysis import Analyser
from right_hf.forms import in_forms
from right_hf.holding import FolderLock
from right_hf.posts import Post, prepared
from right_hf.retriever.base import Follower, Start, listed
from right_hf.retriever.lance.columns import Embed, one_of, posts_of, rows_of
from right_hf.retriever.lance.corpus import TableCorpus
from right_hf.retriever.lance.names import Names
from right_hf.retriever.lance.snapshot import Snapshot
from right_hf.retriever.lance.table import Tables
from right_hf.spelling.counts import SpellingCounts

#: Changes after which the indexes take up what came since; until then it is searched without them.
_TIDIED = 1_000


class Changing:
    """What holds a table, and changes it if it was opened for that."""

    folder: Path
    _analyse: Analyser
    _corpus: TableCorpus
    _names: Names
    _tables: Tables
    _embed: Embed | None
    _version: int | None

    _elsewhere: SpellingCounts

    def _show(self, snapshot: Snapshot) -> None:
        """Takes a version for the present one."""
        self._corpus = TableCorpus(snapshot, self._names, self._elsewhere)

    def _start_changes(self) -> None:
        self._writing = threading.RLock()
        self._lock: FolderLock | None = None
        self._changes = 0
        self._followers: list[tuple[Follower, Start]] = []

    @classmethod
    def open(cls, folder: str | Path, device: Any = "cpu") -> Self:
        """Opens a table to be changed. One process at a time does; [`close`] lets it go.

        Raises:
            RuntimeError: The table is open for changes elsewhere.
            FileNotFoundError, ValueError: As the constructor.
        """
        folder = Path(folder).resolve()
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no index folder {folder}. Make one with right-hf index --store lance.")
        lock = FolderLock(folder)
        try:
            retriever: Self = cls.from_folder(folder, device)  # type: ignore[attr-defined]
        except BaseException:
            lock.release()
            raise
        retriever._lock = lock
        return retriever

    def close(self) -> None:
        """Lets the table go; from then on this retriever only reads."""
        with self._writing:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def add(self, posts: Iterable[Post]) -> None:
        """Adds posts; when this returns they are in the table, and found.

        Raises:
            ValueError: An id is taken, or a post is wrong. Nothing is changed then.
            OSError: The table could not be written. Likewise.
            RuntimeError: The table is not open for changes, or another process changed it. Likewise.
        """
        new = self._prepared(posts)
        with self._changing():
            if taken := self._corpus.held([post.id for post in new]):
                raise ValueError(f"The corpus already holds the post {min(taken)!r}. Use update() to replace it.")
            self._change(new, [], replacing=False)

    def update(self, posts: Iterable[Post]) -> None:
        """Puts posts in the place of those with the same ids, in one step; errors as in [`add`] and [`remove`]."""
        new = self._prepared(posts)
        with self._changing():
            self._change(new, [post.id for post in new], replacing=True)

    def remove(self, ids: Iterable[str]) -> None:
        """Removes the posts with these ids.

        Raises:
            KeyError: There is no post with one of the ids. Nothing is changed then.
            OSError, RuntimeError: As [`add`].
        """
        gone = list(dict.fromkeys(listed(ids)))
        with self._changing():
            self._change([], gone, replacing=False)

    def _prepared(self, posts: Iterable[Post]) -> list[Post]:
        new = [prepared(post) for post in listed(posts)]
        seen: set[str] = set()
        for post in new:
            if post.id in seen:
                raise ValueError(f"The id {post.id!r} occurs twice. Nothing was changed; ids must be unique.")
            seen.add(post.id)
        return new

    def _changing(self) -> AbstractContextManager[object]:
        if self._lock is None:
            raise RuntimeError(
                f"The table of {self.folder} is open for reading. Open it with LanceRetriever.open(folder), which one "
                "process at a time can do."
            )
        return self._writing

    def _change(self, posts: list[Post], ids: list[str], *, replacing: bool) -> None:
        if not posts and not ids:
            return
        before = self._corpus.snapshot
        removed = before.table.scanner(filter=f"id IN {one_of(ids)}").to_table() if ids else None
        if removed is not None and len(removed) < len(ids):
            missing = next(one for one in ids if one not in set(removed.column("id").to_pylist()))
            raise KeyError(f"The corpus holds no post {missing!r}. Nothing was changed; leave it out, or use add().")
        self._tables.check_alone()
        rows = None
        if posts:
            posts = [in_forms(post, self._names.forms) for post in posts]
            rows = rows_of(posts, self._analyse, self._embed)
            hashtags = (hashtag for post in posts for hashtag in post.hashtags)
            self._names.take(hashtags, (spelling for post in posts for spelling in post.spellings))
            if (waiting := self._names.waiting) is not None:
                self._tables.append_names(waiting)
                self._names.written()
        if rows is None:
            self._tables.delete(ids)
        elif replacing:
            self._tables.replace(rows)
        else:
            self._tables.append(rows)
        self._show(before.after(self._tables.posts, rows, removed))
        gone = [] if removed is None else posts_of(removed)
        for follower, _ in self._followers:
            follower(gone, posts)
        self._changes += 1
        if self._changes % _TIDIED == 0:
            self._tidy(whole=False)

    def follow(self, follower: Follower, start: Start | None = None) -> None:
        """See [`Retriever.follow`]; after a [`refresh`] or [`restore`] it starts again, so that a start is needed."""
        if start is None:
            raise ValueError(f"{follower} cannot follow a table without a start=…, as what others changed is not told.")
        with self._writing:
            start(self._corpus)
            self._followers.append((follower, start))

    def steady(self) -> AbstractContextManager[object]:
        """See [`Retriever.steady`]."""
        return self._writing

    def refresh(self) -> bool:
        """Takes up what another process has written since; whether there was anything.

        Whoever follows is told all posts anew.
        """
        with self._writing:
            if self._version is not None or not self._tables.refresh():
                return False
            self._names.read(self._tables.names.to_table(offset=self._names.rows))
            self._show(Snapshot(self._tables.posts))
            for _, start in self._followers:
                start(self._corpus)
            return True

    def compact(self, forget_days: float | None = None) -> int:
        """Takes up in the indexes what came since, and puts small files together.

        Args:
            forget_days: Versions that are older are removed; None for none.

        Returns:
            Bytes that are free again.

        Raises:
            RuntimeError: As [`add`].
        """
        with self._changing():
            self._tables.check_alone()
            self._tidy(whole=True)
            return 0 if forget_days is None else self._tables.forget(forget_days)

    def _tidy(self, whole: bool) -> None:
        self._tables.tidy(whole)
        before = self._corpus.snapshot
        self._show(Snapshot(self._tables.posts, before.counts, before.tokens))

    def restore(self, version: int) -> None:
        """Makes an earlier version the latest one.

        Raises:
            ValueError: There is no such version any more.
            RuntimeError: As [`add`].
        """
        with self._changing():
            self._tables.check_alone()
            self._tables.restore(version)
            self._show(Snapshot(self._tables.posts))
            for _, start in self._followers:
                start(self._corpus)
