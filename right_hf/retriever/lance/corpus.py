"""A corpus whose posts stay in their table; asked by the other parts of a model as one in memory is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from right_hf.corpus import Corpus
from right_hf.posts import Post
from right_hf.retriever.lance.columns import posts_of
from right_hf.retriever.lance.names import Names
from right_hf.retriever.lance.snapshot import Snapshot
from right_hf.spelling.counts import SpellingCounts, plain_spelling


class TableSpellings(SpellingCounts):
    """How often each spelling is used, by the posts of a table and elsewhere.

    Args:
        snapshot: Counts them.
        names: Knows which there are.
        elsewhere: Uses that count with those of the posts.
    """

    def __init__(self, snapshot: Snapshot, names: Names, elsewhere: SpellingCounts) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._names = names
        self._elsewhere = elsewhere

    def of_key(self, key: str) -> Mapping[str, int]:
        """See [`SpellingCounts.of_key`]."""
        uses = dict(self._elsewhere.of_key(key))
        for written in self._names.spellings(key):
            if count := self._snapshot.count("spellings", written):
                spelling = plain_spelling(written)
                uses[spelling] = uses.get(spelling, 0) + count
        return uses

    def keys(self) -> list[str]:
        """See [`SpellingCounts.keys`]."""
        return sorted({*self._names.keys(), *self._elsewhere.keys()})

    def items(self) -> Iterator[tuple[str, Mapping[str, int]]]:
        """See [`SpellingCounts.items`]."""
        return ((key, uses) for key in self.keys() if (uses := self.of_key(key)))


class TableCorpus(Corpus):
    """The posts of one version of a table, in the order of the table, which is that in which they came.

    What is asked of a hashtag or a post is looked up in the table's indexes. Only the names of hashtags are in memory,
    those that no post has any more among them.

    Args:
        snapshot: The version.
        names: Its hashtags; shared by all versions.
        elsewhere: Uses of spellings elsewhere.
    """

    def __init__(self, snapshot: Snapshot, names: Names, elsewhere: SpellingCounts) -> None:
        self.snapshot = snapshot
        self.forms = names.forms
        self.spelled_elsewhere = elsewhere
        self.spellings = TableSpellings(snapshot, names, elsewhere)
        self._names = names
        self._known = len(names)

    def __len__(self) -> int:
        return self.snapshot.size

    def __getitem__(self, row: int) -> Post:  # type: ignore[override]
        place = range(len(self))[row]
        return posts_of(self.snapshot.table.take([place]))[0]

    def __iter__(self) -> Iterator[Post]:
        return self.snapshot.posts()

    def get(self, post_id: str) -> Post | None:
        """See [`Corpus.get`]."""
        return next(iter(posts_of(self.snapshot.get([post_id]))), None)

    def held(self, post_ids: Iterable[str]) -> set[str]:
        """See [`Corpus.held`]."""
        wanted = list(post_ids)
        return set(self.snapshot.get(wanted, ["id"]).column("id").to_pylist()) if wanted else set()

    @property
    def hashtags(self) -> list[str]:
        """The distinct hashtags that came, sorted."""
        return sorted(self._names.hashtags[: self._known])

    def hashtags_since(self, number: int) -> list[str]:
        """See [`Corpus.hashtags_since`]."""
        return self._names.hashtags[number:]

    def hashtag_counts(self) -> dict[str, int]:
        """See [`Corpus.hashtag_counts`]; reads one column of all posts."""
        return self.snapshot.hashtag_counts()

    def hashtag_count(self, hashtag: str) -> int:
        """See [`Corpus.hashtag_count`]."""
        form = self.forms.find(hashtag)
        return 0 if form is None else self.snapshot.count("hashtags", form)

    def carriers(self, hashtag: str, most: int = 10) -> list[Post]:
        """See [`Corpus.carriers`]."""
        return posts_of(self.snapshot.carriers(self.form(hashtag), most))

    def beside(self, hashtag: str, most: int) -> tuple[int, Counter[str]]:
        """See [`Corpus.beside`]."""
        return self.snapshot.beside(self.form(hashtag), most)

    def between(self, first: float, last: float) -> list[Post]:
        """See [`Corpus.between`]."""
        return self.snapshot.between(first, last)

    def save(self, folder: Path) -> None:
        """Is not done: a table stays where it is. A corpus in memory is made of it by `Corpus(corpus)`."""
        raise TypeError("The posts of a table are not saved as a file. Make Corpus(corpus) of them, which is.")
