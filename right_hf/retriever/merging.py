"""An index that is replaced by the next as its corpus changes, and whose parts are merged meanwhile."""

from __future__ import annotations

import logging
import threading

from right_hf.forks import renewed_in_children
from right_hf.retriever.index import Index

logger = logging.getLogger(__name__)

#: Merges of at most so many posts are done at once by whoever changes the corpus, larger ones in a thread.
MERGED_AT_ONCE = 5_000
#: Attributes of [`Merging`] that no copy and no other process can have.
OF_THREADS = frozenset({"_writing", "_saving", "_merger", "_claimed"})


class Merging:
    """What holds an index, and keeps its parts few."""

    _index: Index

    def _take(self, index: Index) -> None:
        """Begins with an index."""
        self._index = index  # replaced as a whole: readers take it once and keep it
        self._start_threads()
        self._tidy()
        _LIVING.add(self)

    def _start_threads(self) -> None:
        """Begins as if no other thread had ever been here, which after a fork is so."""
        self._writing = threading.RLock()
        self._saving = threading.Lock()
        self._merger: threading.Thread | None = None
        self._claimed = 0  # so many leading parts belong to the merger

    def _tidy(self) -> None:
        """Merges parts that should be: small ones now, large ones in a thread."""
        with self._writing:
            left = self._claimed  # so many leading parts are left alone
            while due := self._index.merge_due(left):
                first, last = due
                if sum(part.live for part in self._index.corpus.parts[first:last]) <= MERGED_AT_ONCE:
                    self._index = self._index.with_merged(self._index.merge(first, last))
                elif self._merger is None:
                    left = self._claimed = last
                    self._merger = threading.Thread(target=self._merge, args=due, daemon=True)
                    self._merger.start()
                else:
                    left = first + 1  # until the thread is done, merge at least the smaller ones

    def _merge(self, first: int, last: int) -> None:
        """Merges parts while others search and change the corpus; they are this thread's until it is done."""
        merged = None
        try:
            merged = self._index.merge(first, last)
        except Exception:  # the index is whole without the merge, only slower
            logger.exception("Parts of the index could not be merged.")
        with self._writing:
            if merged is not None:
                self._index = self._index.with_merged(merged)
            self._claimed, self._merger = 0, None
            if merged is not None:
                self._tidy()

    def wait(self) -> None:
        """Waits until no merge is under way. For measurements and tests; nothing else needs to."""
        while (merger := self._merger) is not None:
            merger.join()


#: All of this process.
_LIVING = renewed_in_children(Merging._start_threads)
