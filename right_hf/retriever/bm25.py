"""BM25 over the posts of a corpus that may change while it is searched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from right_hf.component import Trainer
from right_hf.corpus import Corpus, Place
from right_hf.layout import config_file
from right_hf.persistence import atomic_folder, flush, keep_foreign_files, recover_folder, write_json
from right_hf.posts import Post
from right_hf.retriever.base import Follower, Hit, Retriever, check_search
from right_hf.retriever.index import Index
from right_hf.retriever.journal import JOURNAL_FILE, LOCK_FILE, Journal, encode_change, replay
from right_hf.retriever.postings import Lexicon
from right_hf.retriever.storage import index_settings, load_index, save_index

logger = logging.getLogger(__name__)

#: Merges of at most so many posts are done at once by whoever changes the corpus, larger ones in a thread.
MERGED_AT_ONCE = 5_000


class BM25Retriever(Retriever):
    """Searches a corpus of posts with BM25 (Robertson and Walker, 1994; Lucene's variant of the formula).

    Posts can be added, removed and updated while other threads search. A search sees one state of the corpus, whole,
    and never waits; changes wait for one another. Scores are those of an index built anew from the same posts, to the
    last bit. Changes live in memory only, unless the retriever was opened from a folder with [`BM25Retriever.open`].

    Args:
        corpus: The posts to search.
        analyser: Name of the analyser, see [`right_hf.analysis.ANALYSERS`].
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation.

    Raises:
        ValueError: `k1` or `b` is out of range, the analyser is unknown or finds no term in any post.
    """

    type = "bm25"

    def __init__(self, corpus: Corpus, analyser: str = "english", k1: float = 1.5, b: float = 0.75) -> None:
        # Outside these ranges scores may be 0 or negative, which the search takes for "no term shared".
        if not (k1 >= 0 and 0 <= b <= 1):
            raise ValueError(f"k1 must be at least 0 and b in [0, 1], got k1={k1} and b={b}.")
        index = Index.build(corpus, Lexicon(analyser), k1, b)
        if not index.length:
            raise ValueError(f"No post of the corpus has a term under the analyser {analyser!r}; nothing to index.")
        self._start(index)

    def _start(self, index: Index) -> None:
        self._index = index  # replaced as a whole: readers take it once and keep it
        self._writing = threading.RLock()
        self._followers: list[Follower] = []
        self._journal: Journal | None = None
        self._merger: threading.Thread | None = None
        self._claimed = 0  # so many leading parts belong to the merger
        self._tidy()

    @classmethod
    def from_posts(cls, posts: Sequence[Post], **settings: Any) -> BM25Retriever:
        """Indexes `posts`; `settings` go to the constructor."""
        return cls(Corpus(posts), **settings)

    @property
    def corpus(self) -> Corpus:
        """The posts at this moment; the corpus given here never changes."""
        return self._index.corpus

    @property
    def analyser(self) -> str:
        """Name of the analyser."""
        return self._index.lexicon.analyser

    @property
    def k1(self) -> float:
        """Saturation of the term frequency."""
        return self._index.k1

    @property
    def b(self) -> float:
        """Strength of the length normalisation."""
        return self._index.b

    def search(
        self, queries: Sequence[str], k: int = 10, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """See [`Retriever.search`]; posts that share no term with a query are never returned."""
        check_search(queries, k, exclude)
        return self._index.search(queries, k, exclude)

    def idf(self, text: str) -> list[float]:
        """The inverse document frequency of each term of a text, at this moment; none of a stop word."""
        return self._index.idf(text)

    def add(self, posts: Sequence[Post]) -> None:
        """Adds posts. When this returns they are searchable and, if the retriever was opened from a folder, on disk.

        Raises:
            ValueError: An id is taken, or a post is wrong (see [`Corpus`]). Nothing is changed then.
            OSError: The change could not be written. Nothing is changed then.
        """
        self._change(posts, ())

    def remove(self, ids: Collection[str]) -> None:
        """Removes the posts with these ids: from hits, counts and evidence.

        Raises:
            KeyError: There is no post with one of the ids. Nothing is changed then.
            OSError: The change could not be written. Nothing is changed then.
        """
        self._change((), ids)

    def update(self, posts: Sequence[Post]) -> None:
        """Puts posts in the place of those with the same ids, in one step; errors as in [`add`] and [`remove`]."""
        self._change(posts, [post.id for post in posts])

    def follow(self, follower: Follower) -> None:
        """Calls `follower(removed, added)` with all posts now, and with the posts of each change from now on.

        It is called by the thread that changes the corpus, one change at a time, in order.
        """
        with self._writing:
            follower((), list(self.corpus))
            self._followers.append(follower)

    def _change(self, posts: Sequence[Post], ids: Collection[str]) -> None:
        if isinstance(ids, str) or isinstance(posts, Post):
            raise TypeError(f"Give a list of posts or of ids, got one: {ids or posts!r:.80}.")
        if not posts and not ids:
            return
        with self._writing:
            before = self._index.corpus
            places = _places(before, ids)
            after = self._index.changed(posts, places)
            if self._journal is not None:
                self._journal.append(encode_change(posts, ids))
            self._index = after
            removed = [before.parts[place.part].posts[place.row] for place in places]
            for follower in self._followers:
                follower(removed, posts)
            self._tidy()

    def _tidy(self) -> None:
        """Merges parts that should be: small ones now, large ones in a thread."""
        with self._writing:
            left = self._claimed  # so many leading parts are left alone
            while due := self._index.merge_due(left):
                first, last = due
                if sum(part.live for part in self.corpus.parts[first:last]) <= MERGED_AT_ONCE:
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

    @property
    def settings(self) -> dict[str, Any]:
        """Analyser, k1, b, and what the files are checked against."""
        return index_settings(self._index)

    def write(self, folder: Path) -> None:
        """Writes corpus, terms and postings (parquet, JSON, safetensors)."""
        save_index(self._index, folder)

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Writes the index into a folder, whole or not; the one that it was opened from as [`BM25Retriever.save`]."""
        if self._journal is not None and Path(save_directory).resolve() == self._journal.path.parent:
            return self.save()
        super().save_pretrained(save_directory)

    def save(self) -> None:
        """Writes the present state into the folder that the retriever was opened from, and empties its journal.

        Searches go on meanwhile, and so do changes but for the last moment.

        Raises:
            RuntimeError: The retriever was not opened from a folder, or was closed.
        """
        journal = self._journal
        if journal is None:
            raise RuntimeError("This retriever was not opened from a folder. Use save_pretrained(folder).")
        folder = journal.path.parent
        with ExitStack() as stack:
            with atomic_folder(folder) as scratch:
                with self._writing:
                    index, written = self._index, journal.size
                save_index(index, scratch)
                write_json(scratch / config_file(self.role), {"retriever_type": self.type, **index_settings(index)})
                keep_foreign_files(folder, scratch, leave_out=[JOURNAL_FILE, LOCK_FILE])  # such as hashtag embeddings
                flush(scratch)  # most of the work, before changes have to wait
                stack.enter_context(self._writing)
                fresh = Journal(scratch / JOURNAL_FILE)
                if tail := journal.read(written):
                    fresh.append(tail)
            fresh.path = journal.path
            self._journal = fresh
            journal.close()

    def close(self) -> None:
        """Lets go of the folder that the retriever was opened from; from then on changes live in memory only."""
        with self._writing:
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    @classmethod
    def from_folder(cls, folder: str | Path) -> BM25Retriever:
        """Loads what [`save_pretrained`] wrote, and the changes in its journal; later ones live in memory only.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged, or the files do not belong together.
        """
        folder = Path(folder)
        retriever = cls.__new__(cls)
        index = load_index(folder, cls.saved_settings(folder))
        retriever._start(_replayed(index, replay(folder / JOURNAL_FILE)[0]))
        return retriever

    @classmethod
    def trainer(cls) -> Trainer:
        """Indexes the training posts."""
        from right_hf.trainers.retriever import Bm25Training

        return Bm25Training()

    @classmethod
    def open(cls, folder: str | Path) -> BM25Retriever:
        """Loads an index to be changed: each change is on disk, in the folder's journal, when the call returns.

        One retriever at a time holds a folder; [`close`] lets it go. [`save`] empties the journal, which makes opening
        quick again.

        Raises:
            RuntimeError: The folder is open elsewhere.
            FileNotFoundError, ValueError: As [`from_folder`].
        """
        folder = Path(folder).resolve()
        recover_folder(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no index folder {folder}. Make one with save_pretrained first.")
        journal = Journal(folder / JOURNAL_FILE)
        try:
            outcome, whole = replay(journal.path)
            retriever = cls.__new__(cls)
            retriever._start(_replayed(load_index(folder, cls.saved_settings(folder)), outcome))
            journal.truncate(whole)
        except BaseException:
            journal.close()
            raise
        retriever._journal = journal
        return retriever


def _places(corpus: Corpus, ids: Collection[str]) -> list[Place]:
    """Where the posts with these ids are kept, each once."""
    places = {post_id: corpus.place(post_id) for post_id in ids}
    if missing := [post_id for post_id, place in places.items() if place is None]:
        raise KeyError(f"The corpus holds no post {missing[0]!r}. Nothing was changed; leave it out, or use add().")
    return [place for place in places.values() if place is not None]


def _replayed(index: Index, outcome: dict[str, Post | None]) -> Index:
    """The index after the changes of a journal."""
    if not outcome:
        return index
    places = [place for post_id in outcome if (place := index.corpus.place(post_id)) is not None]
    return index.changed([post for post in outcome.values() if post is not None], places)
