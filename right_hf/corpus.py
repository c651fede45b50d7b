"""The corpus: posts with hashtags, in the order of their ids, as columns in memory and as parquet on disk.

A corpus never changes. A change gives a new one that shares all but the changed parts with the old, so whoever reads
the old one goes on undisturbed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import copy, deepcopy
from pathlib import Path

import numpy as np
import numpy.typing as npt

from right_hf.corpus_files import load_posts, save_posts
from right_hf.corpus_parts import Part, Place, merge_parts, without_repeats
from right_hf.forms import Forms, in_forms
from right_hf.hashtag_numbers import HashtagNumbers
from right_hf.post_table import PostTable
from right_hf.posts import Post, prepared
from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.variant_table import VARIANTS_FILE, read_table, write_table
from right_hf.spelling.variants import Merge


class Corpus(Sequence[Post]):
    """An immutable sequence of posts, ordered by id so that row order breaks ties between equal scores.

    Posts are taken in as [`right_hf.posts.prepared`] prepares them. Hashtags of the same letters and digits are kept
    under one form and count together (see [`right_hf.forms.Forms`]); how a post had them stays in its spellings.

    Args:
        posts: The posts.
        variants: Which hashtags are one besides those of the same letters and digits, see [`right_hf.forms.Forms`].
        spellings: Uses of spellings elsewhere, which count with those of the posts.

    Attributes:
        parts: The posts, as they came together.
        forms: The forms of hashtags; shared, like the spellings, by all corpora that came of one another.
        spellings: How often each spelling is used, see [`learn`].
        spelled_elsewhere: Those uses of them that are no post's.

    Raises:
        ValueError: No posts are given, an id occurs twice, or a field holds what it cannot.
        TypeError: Something is no post, or the hashtags of one are a string.
    """

    def __init__(
        self,
        posts: Iterable[Post],
        variants: Iterable[Merge] = (),
        spellings: SpellingCounts | None = None,
    ) -> None:
        ordered = _in_order(posts)
        if not ordered:
            raise ValueError("A corpus needs at least one post, got none.")
        self._start(PostTable.of(ordered), Forms(variants), spellings or SpellingCounts())

    @classmethod
    def of_prepared(cls, posts: Sequence[Post], variants: Iterable[Merge] = ()) -> Corpus:
        """The corpus of posts that were prepared before, as those that [`right_hf.data.load_split`] gives.

        Raises:
            ValueError: No posts are given, or an id occurs twice.
        """
        if not posts:
            raise ValueError("A corpus needs at least one post, got none.")
        corpus = cls.__new__(cls)
        corpus._start(PostTable.of(without_repeats(list(posts))), Forms(variants), SpellingCounts())
        return corpus

    def _start(self, ordered: PostTable, forms: Forms, elsewhere: SpellingCounts) -> None:
        self.forms = forms
        self.spelled_elsewhere = elsewhere
        self.spellings = elsewhere.copy()
        self._numbers = HashtagNumbers()  # shared like the forms
        part = self._new_part(ordered)
        counts = np.bincount(part.posts.numbers(), minlength=len(self._numbers.names)).astype(np.int32)
        self._assemble((part,) if part.posts else (), counts)
        self.spellings.add_all(part.posts.spellings())

    def _new_part(self, ordered: PostTable) -> Part:
        """Posts that come, with their hashtags in the corpus' forms."""
        if [self.forms.take(hashtag) for hashtag in ordered.names] != ordered.names:
            ordered = PostTable.of([in_forms(post, self.forms) for post in ordered])
        return Part.of(ordered.numbered(self._numbers))

    def _assemble(self, parts: tuple[Part, ...], counts: npt.NDArray[np.int32]) -> None:
        self.parts = parts
        self._counts = counts
        self._length = sum(part.live for part in parts)
        self._ordered: PostTable | None = None

    def _with(self, parts: tuple[Part, ...], counts: npt.NDArray[np.int32]) -> Corpus:
        corpus = copy(self)
        corpus._assemble(parts, counts)
        return corpus

    def apart(self) -> Corpus:
        """The same corpus, which shares nothing with others that grows with them."""
        corpus = copy(self)
        corpus.forms, corpus._numbers, corpus.spellings = (
            deepcopy(self.forms),
            self._numbers.copy(),
            self.spellings.copy(),
        )
        names = corpus._numbers.names
        corpus._assemble(tuple(Part(part.posts.named(names), part.alive) for part in self.parts), self._counts)
        return corpus

    def learn(self, added: Iterable[Post], removed: Iterable[Post]) -> None:
        """Counts the spellings of posts that came, and no longer those of posts that went.

        To be called once a change is acknowledged; the constructor has done it for its posts.
        """
        for posts, count in ((added, self.spellings.add), (removed, self.spellings.remove)):
            for spelling in (spelling for post in posts for spelling in post.spellings if spelling):
                count(spelling)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: int) -> Post:  # type: ignore[override]
        return self._posts[row]

    def __iter__(self) -> Iterator[Post]:
        return iter(self._posts)

    @property
    def _posts(self) -> PostTable:
        """All posts in the order of their ids; made when first asked for."""
        if self._ordered is None:
            whole = len(self.parts) == 1 and self.parts[0].live == len(self.parts[0].posts)
            found = self.parts if whole else (merge_parts(self.parts)[0],) if self.parts else ()
            self._ordered = found[0].posts if found else PostTable.of(())
        return self._ordered

    def row(self, post_id: str) -> int | None:
        """The row of the post with this id, or None where the corpus does not hold it."""
        return self._posts.row(post_id)

    def rows(self, post_ids: Iterable[str]) -> list[int]:
        """The rows of those of these posts that the corpus holds."""
        return [row for post_id in post_ids if (row := self.row(post_id)) is not None]

    def place(self, post_id: str) -> Place | None:
        """Where the post with this id is kept, or None where the corpus does not hold it."""
        found = ((number, part.row(post_id)) for number, part in enumerate(self.parts))
        return next((Place(number, row) for number, row in found if row is not None), None)

    def get(self, post_id: str) -> Post | None:
        """The post with this id, or None where the corpus does not hold it."""
        place = self.place(post_id)
        return None if place is None else self.parts[place.part].posts[place.row]

    def held(self, post_ids: Iterable[str]) -> set[str]:
        """Those of some ids whose posts the corpus holds."""
        return {post_id for post_id in post_ids if self.place(post_id) is not None}

    def between(self, first: float, last: float) -> list[Post] | None:
        """The posts of a time, from `first` to before `last` in seconds since 1970.

        None where they are not kept by their time, so that whoever wants to know goes through all.
        """
        return None

    @property
    def hashtags(self) -> list[str]:
        """The distinct hashtags, sorted."""
        # A writer may add names meanwhile, always at the end.
        return sorted(tag for count, tag in zip(self._counts.tolist(), self._numbers.names, strict=False) if count)

    def hashtags_since(self, number: int) -> list[str]:
        """The hashtags that came after the first `number`, in the order in which they came, also those gone since.

        A corpus that changes only ever adds to this list.
        """
        return self._numbers.names[number:]

    def hashtag_counts(self) -> dict[str, int]:
        """How many posts carry each hashtag."""
        pairs = zip(self._numbers.names, self._counts.tolist(), strict=False)
        return {hashtag: count for hashtag, count in pairs if count}

    def hashtag_count(self, hashtag: str) -> int:
        """How many posts carry the hashtag, whatever its spelling."""
        number = self._numbers.find(hashtag)
        if number is None:
            form = self.forms.find(hashtag)
            number = None if form is None else self._numbers.find(form)
        return int(self._counts[number]) if number is not None and number < len(self._counts) else 0

    def variants_count(self, hashtag: str) -> int:
        """How many posts carry the hashtag, or one that is one with it by the table of variants."""
        forms = map(self.forms.of_key, self.forms.keys_of(hashtag))
        return sum(self.hashtag_count(form) for form in forms if form is not None)

    def form(self, hashtag: str) -> str:
        """The form under which the corpus keeps a hashtag; its own where it has none."""
        return self.forms.find(hashtag) or hashtag

    def carriers(self, hashtag: str, most: int = 10) -> list[Post]:
        """Posts that carry the hashtag, whatever its spelling; up to `most`, the latest that came first."""
        number = self._numbers.find(self.form(hashtag))
        found: list[Post] = []
        for part in reversed(self.parts):
            if number is not None and len(found) < most:
                found += part.carriers(number, most - len(found))
        return found

    def beside(self, hashtag: str, most: int) -> tuple[int, Counter[str]]:
        """In the latest `most` posts that carry the hashtag: how many they are, and how many carry each other one."""
        number, lists = self._numbers.find(self.form(hashtag)), list[list[int]]()
        for part in reversed(self.parts):
            if number is not None and len(lists) < most:
                lists += part.beside(number, most - len(lists))
        others = Counter(other for numbers in lists for other in numbers if other != number)
        return len(lists), Counter({self._numbers.names[other]: count for other, count in others.items()})

    def _counted(self, come: npt.ArrayLike, gone: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """How many posts carry each hashtag after posts with hashtags of some numbers came and others went."""
        counts = np.zeros(len(self._numbers.names), dtype=np.int32)
        counts[: len(self._counts)] = self._counts
        np.add.at(counts, np.asarray(come, dtype=np.int64), 1)
        np.add.at(counts, np.asarray(gone, dtype=np.int64), -1)
        return counts

    def changed(self, added: Iterable[Post] = (), removed: Sequence[Place] = ()) -> Corpus:
        """The corpus after a change: the posts at some places are gone, then others come as one new last part.

        Raises:
            ValueError: An added post has the id of one that stays, or is itself wrong (see the constructor).
            TypeError: As the constructor.
        """
        rows: dict[int, list[int]] = {}
        for place in removed:
            rows.setdefault(place.part, []).append(place.row)
        parts = [part.without(rows[number]) if number in rows else part for number, part in enumerate(self.parts)]
        gone = [number for place in removed for number in self.parts[place.part].posts.numbers_of(place.row)]
        come: npt.ArrayLike = ()
        if ordered := _in_order(added):
            left = self._with(tuple(parts), self._counts)
            twice = next((post.id for post in ordered if left.place(post.id) is not None), None)
            if twice is not None:
                raise ValueError(f"The corpus already holds the post {twice!r}. Use update() to replace it.")
            parts.append(self._new_part(PostTable.of(ordered)))
            come = parts[-1].posts.numbers()
        return self._with(tuple(parts), self._counted(come, gone))

    def with_merged(self, first: int, last: int, merged: Part) -> Corpus:
        """The same corpus with parts `first` to `last` (without it) replaced by one that holds the same posts."""
        parts = (*self.parts[:first], *([merged] if merged.posts else []), *self.parts[last:])
        return self._with(parts, self._counts)

    def save(self, folder: Path) -> None:
        """Writes posts (parquet), variants (a table to read and correct) and spellings of elsewhere (JSON)."""
        save_posts(self._posts, folder)
        write_table(folder / VARIANTS_FILE, self.forms.variants)
        self.spelled_elsewhere.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Reads what [`save`] wrote, also before posts had author, spellings or basis.

        Raises:
            ValueError: A file is damaged or has other columns.
        """
        table, elsewhere = folder / VARIANTS_FILE, SpellingCounts.load(folder)
        variants = read_table(table) if table.is_file() else ()
        posts = load_posts(folder)  # they were prepared before
        corpus = cls.__new__(cls)
        ordered = posts if posts.is_ascending() else PostTable.of(without_repeats(list(posts)))
        corpus._start(ordered, Forms(variants), elsewhere)
        return corpus

    def renewed(self) -> Corpus:
        """The same posts as this version prepares them; of a corpus that an earlier one saved."""
        return Corpus(self, self.forms.variants, self.spelled_elsewhere) if len(self) else self


def _in_order(posts: Iterable[Post]) -> list[Post]:
    """Posts prepared and in the order of their ids, once all of them are known to be right."""
    if isinstance(posts, Post):
        raise TypeError(f"Expected posts, got one: {posts!r:.80}. Give a list of it.")
    try:
        return without_repeats([prepared(post) for post in posts])
    except ValueError as error:
        raise ValueError(f"{error}. Nothing was changed; correct or leave out the post.") from None
