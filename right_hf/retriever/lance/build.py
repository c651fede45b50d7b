"""Making a table: posts are prepared and cut into terms by several processes, and come into the table as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from right_hf.analysis import get_analyser
from right_hf.forms import in_forms
from right_hf.persistence import atomic_folder
from right_hf.posts import Post, prepared
from right_hf.progress import bar
from right_hf.retriever.lance.columns import Embed, posts_of, rows_of, schema
from right_hf.retriever.lance.names import Names
from right_hf.retriever.lance.table import Tables
from right_hf.workers import Engine

#: Posts that are worked on together.
_BATCH = 5_000


class Place(NamedTuple):
    """Where a table is made.

    Attributes:
        folder: Of the retriever; replaced if there is one.
        address: Where the tables lie if not in the folder.
    """

    folder: Path
    address: str | None


def build_tables(
    posts: Iterable[Post],
    place: Place,
    analyser: str,
    names: Names,
    embed: Embed | None,
    describe: Callable[[Path], None],
    engine: Engine = map,
) -> None:
    """Makes the tables of posts, with their indexes, and the folder of the retriever; whole or not at all.

    Args:
        posts: The posts.
        place: Where.
        analyser: Name of the analyser.
        names: Takes up the hashtags.
        embed: Gives the vectors of texts; None for none.
        describe: Writes into the folder what belongs to it besides the tables.
        engine: Prepares posts.

    Raises:
        FileExistsError: There is a table at the address.
        ValueError: There are no posts, one is wrong, an id occurs twice, or none has a term.
    """
    with atomic_folder(place.folder) as scratch:
        describe(scratch)
        address = str(scratch) if place.address is None else place.address
        stream = _Stream(posts, analyser, names, embed, engine)
        try:
            tables = Tables.create(address, stream.batches(), stream.schema)
            stream.check(tables, analyser)
            if (waiting := names.waiting) is not None:
                tables.append_names(waiting)
                names.written()
            tables.build_indexes()
        except FileExistsError:
            raise
        except BaseException as error:
            if place.address is not None:
                Tables.drop(address)
            raise stream.error or error from None


class _Stream:
    """Posts on their way into a table.

    Attributes:
        schema: The columns.
        error: What ended the stream, of which the table only tells in words.
    """

    def __init__(self, posts: Iterable[Post], analyser: str, names: Names, embed: Embed | None, engine: Engine) -> None:
        self._posts = posts
        self._analyser = analyser
        self._names = names
        self._embed = embed
        self._engine = engine
        self._ids: list[npt.NDArray[np.int64]] = []  # hashes, 8 bytes a post
        self._terms = 0
        self.error: Exception | None = None
        self.schema = schema(None if embed is None else embed(["a"]).shape[1])

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows of the posts."""
        source = iter(bar(self._posts, "indexing", "post"))
        parts = iter(lambda: list(islice(source, _BATCH)), [])
        try:
            for rows in self._engine(partial(_prepared_rows, self._analyser), parts):
                yield self._taken_up(rows)
        except Exception as error:
            self.error = error
            raise

    def _taken_up(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with their hashtags in the forms of the corpus, and with vectors where there are any."""
        forms = self._names.forms
        hashtags = rows.column("hashtags").flatten().unique().to_pylist()
        if [forms.take(hashtag) for hashtag in hashtags] != hashtags or self._embed is not None:
            posts = [in_forms(post, forms) for post in posts_of(rows)]
            rows = rows_of(posts, get_analyser(self._analyser), self._embed)
            hashtags = rows.column("hashtags").flatten().unique().to_pylist()
        self._names.take(hashtags, rows.column("spellings").flatten().unique().to_pylist())
        self._ids.append(np.fromiter(map(hash, rows.column("id").to_pylist()), np.int64, len(rows)))
        self._terms += int(rows.column("length").to_numpy().sum())
        return rows

    def check(self, tables: Tables, analyser: str) -> None:
        """Refuses what no corpus can be made of; see [`build_tables`]."""
        hashes = np.sort(np.concatenate([np.zeros(0, np.int64), *self._ids]))
        if not len(hashes):
            raise ValueError("A corpus needs at least one post, got none.")
        if len(repeated := hashes[1:][hashes[1:] == hashes[:-1]]):
            _refuse_repeats(tables, set(repeated.tolist()))
        if not self._terms:
            raise ValueError(f"No post of the corpus has a term under the analyser {analyser!r}; nothing to index.")


def _prepared_rows(analyser: str, posts: Sequence[Post]) -> pa.RecordBatch:
    return rows_of([prepared(post) for post in posts], get_analyser(analyser), None)


def _refuse_repeats(tables: Tables, hashes: set[int]) -> None:
    """Raises ValueError if one of the ids with these hashes occurs twice."""
    seen: set[str] = set()
    for batch in tables.posts.to_batches(columns=["id"]):
        for post_id in batch.column("id").to_pylist():
            if hash(post_id) in hashes:
                if post_id in seen:
                    raise ValueError(f"The id {post_id!r} occurs twice in the corpus. Ids must be unique.")
                seen.add(post_id)
