"""BM25 over the posts of a corpus that may change while it is searched."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from right_hf.component import Trainer
from right_hf.corpus import Corpus
from right_hf.holding import Occupant
from right_hf.layout import JOURNAL_FILE, config_file
from right_hf.persistence import atomic_folder, keep_foreign_files, recover_folder, write_json
from right_hf.posts import Post, prepared
from right_hf.retriever.base import Follower, Hit, Retriever, Start, begin, check_search, listed
from right_hf.retriever.index import Index, check_parameters, places_of
from right_hf.retriever.journal import Journal, encode_change, replay
from right_hf.retriever.merging import OF_THREADS, Merging
from right_hf.retriever.postings import Lexicon
from right_hf.retriever.storage import index_settings, load_index, save_index
from right_hf.workers import Engine

#: What of a retriever is this very one's, and not its copies'.
_OWN = frozenset({"_followers", "_journal", *OF_THREADS})


class BM25Retriever(Merging, Retriever):
    """Searches a corpus of posts with BM25 (Robertson and Walker, 1994; Lucene's variant of the formula).

    Posts can be added, removed and updated while other threads search. A search sees one state of the corpus, whole,
    and never waits; changes wait for one another. Scores are those of an index built anew from the same posts, to the
    last bit. Changes live in memory only, unless the retriever was opened from a folder with [`BM25Retriever.open`].
    Those of a copy (`copy`, `pickle`) always do, and nobody follows it.

    Args:
        corpus: The posts to search.
        analyser: Name of the analyser, see [`right_hf.analysis.ANALYSERS`].
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation.
        engine: What shares the work of indexing out, see [`right_hf.workers.Engine`].

    Raises:
        ValueError: `k1` or `b` is out of range, the analyser is unknown or finds no term in any post.
    """

    type = "bm25"

    def __init__(
        self, corpus: Corpus, analyser: str = "unicode", k1: float = 1.5, b: float = 0.75, engine: Engine = map
    ) -> None:
        check_parameters(k1, b)
        index = Index.build(corpus, Lexicon(analyser), k1, b, engine)
        if not index.length:
            raise ValueError(f"No post of the corpus has a term under the analyser {analyser!r}; nothing to index.")
        self._start(index)

    def _start(self, index: Index) -> None:
        self._followers: list[Follower] = []
        self._journal: Journal | None = None
        self._take(index)

    def __getstate__(self) -> dict[str, Any]:
        with self._writing:
            kept = {name: value for name, value in vars(self).items() if name not in _OWN}
            return kept | {"_index": self._index.apart()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start(self._index)

    @classmethod
    def from_posts(cls, posts: Iterable[Post], **settings: Any) -> BM25Retriever:
        """Indexes `posts`; `settings` go to the constructor."""
        return cls(Corpus(list(posts)), **settings)

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

    def holders(self, phrase: str) -> int:
        """How many posts hold all terms of a phrase, at this moment."""
        return self._index.holders(phrase)

    def add(self, posts: Iterable[Post]) -> None:
        """Adds posts. When this returns they are searchable and, if the retriever was opened from a folder, on disk.

        Raises:
            ValueError: An id is taken, or a post is wrong (see [`Corpus`]). Nothing is changed then.
            OSError: The change could not be written. Nothing is changed then.
            RuntimeError: The folder was replaced, or this process was forked off the one that opened it. Likewise.
        """
        self._change(listed(posts), [])

    def remove(self, ids: Iterable[str]) -> None:
        """Removes the posts with these ids: from hits, counts and evidence.

        Raises:
            KeyError: There is no post with one of the ids. Nothing is changed then.
            OSError, RuntimeError: As [`add`].
        """
        self._change([], listed(ids))

    def update(self, posts: Iterable[Post]) -> None:
        """Puts posts in the place of those with the same ids, in one step; errors as in [`add`] and [`remove`]."""
        new = [prepared(post) for post in listed(posts)]
        self._change(new, [post.id for post in new])

    def follow(self, follower: Follower, start: Start | None = None) -> None:
        """See [`Retriever.follow`]."""
        with self._writing:
            begin(self.corpus, follower, start)
            self._followers.append(follower)

    def steady(self) -> AbstractContextManager[object]:
        """See [`Retriever.steady`]."""
        return self._writing

    def _change(self, posts: list[Post], ids: list[str]) -> None:
        if not posts and not ids:
            return
        if self._journal is not None:
            self._journal.check_process()
        with self._writing:
            before = self._index.corpus
            places = places_of(before, ids)
            after = self._index.changed(posts, places)
            added = list(after.corpus.parts[-1].posts) if posts else []  # as they are kept
            if self._journal is not None:
                self._journal.append(encode_change(added, ids))
            self._index = after
            removed = [before.parts[place.part].posts[place.row] for place in places]
            after.corpus.learn(added, removed)
            for follower in self._followers:
                follower(removed, added)
            self._tidy()

    @property
    def settings(self) -> dict[str, Any]:
        """Analyser, k1, b, and what the files are checked against."""
        return index_settings(self._index)

    def write(self, folder: Path) -> None:
        """Writes corpus, terms and postings (parquet, JSON, safetensors)."""
        save_index(self._index, folder)

    def save_into(self, folder: Path) -> None:
        """Writes files and configuration of one moment, whatever changes meanwhile."""
        index = self._index
        folder.mkdir(parents=True, exist_ok=True)
        save_index(index, folder)
        write_json(folder / config_file(self.role), {"retriever_type": self.type, **index_settings(index)})

    def occupants(self) -> dict[Path, Occupant]:
        """Its journal, if it is open on a folder."""
        journal = self._journal
        return {} if journal is None else {Path(): journal.occupant(self._writing)}

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Writes the index into a folder, whole or not; the one that it was opened from as [`BM25Retriever.save`]."""
        if self._journal is not None and Path(save_directory).resolve() == self._journal.path.parent:
            return self.save()
        super().save_pretrained(save_directory)

    def save(self) -> None:
        """Writes the present state into the folder that the retriever was opened from, and empties its journal.

        Searches go on meanwhile, and so do changes but for the last moment.

        Raises:
            RuntimeError: The retriever was not opened from a folder, or was closed; the folder was replaced; or this
                process was forked off the one that opened it.
        """
        with self._saving:
            journal = self._journal
            if journal is None:
                raise RuntimeError("This retriever was not opened from a folder. Use save_pretrained(folder).")
            folder = journal.path.parent
            journal.check()
            with atomic_folder(folder, self.occupants()) as scratch:
                self.save_into(scratch)
                keep_foreign_files(folder, scratch)  # such as hashtag embeddings

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
        retriever._start(index.replayed(replay(folder / JOURNAL_FILE)[0]))
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
            retriever._start(load_index(folder, cls.saved_settings(folder)).replayed(outcome))
            journal.truncate(whole)
        except BaseException:
            journal.close()
            raise
        retriever._journal = journal
        return retriever
