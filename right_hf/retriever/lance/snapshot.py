"""One version of a table: what is counted and found in it, all by its indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from right_hf.encoders import Matrix
from right_hf.forks import UNFORKABLE
from right_hf.posts import Post
from right_hf.retriever.base import Hit
from right_hf.retriever.index import inverse_document_frequency, term_weight
from right_hf.retriever.lance.columns import POST, has, has_all, one_of, posts_of
from right_hf.retriever.lance.package import check_process, lance

#: Posts that the table finds by its own BM25 beyond those wanted, and those of them, by an estimate, that are scored
#: exactly.
_FOUND, _SCORED = 400, 30
#: The table's own parameters of BM25, which cannot be chosen.
_K1, _B = 1.2, 0.75
#: Counts that are kept, of those asked for last.
_KEPT = 200_000
#: Neighbours that are compared exactly for each one wanted, and the share of the index that is looked at.
_REFINED, _PROBES = 4, 20
_BATCH = 50_000


class Snapshot:
    """What a table holds at one version; it never changes.

    Args:
        posts: The table at that version.
        counts: What is known of it already: posts with a term, a hashtag or a spelling, by its column and itself.
        tokens: The terms of all posts together; None to count them.
    """

    def __init__(self, posts: Any, counts: dict[tuple[str, str], int] | None = None, tokens: int | None = None) -> None:
        self._table = posts
        UNFORKABLE.add(self)
        self.size: int = posts.count_rows()
        self.counts = {} if counts is None else counts
        self.tokens = _sum_of_lengths(posts) if tokens is None else tokens

    @property
    def table(self) -> Any:
        """The table; refused in the child of a fork, see [`check_process`]."""
        check_process()
        return self._table

    def after(self, posts: Any, added: pa.RecordBatch | None, removed: pa.Table | None) -> Snapshot:
        """The next one, after a change of this; what does not concern the change need not be counted again."""
        counts, tokens = self.counts.copy(), self.tokens
        for rows, sign in ((added, 1), (removed, -1)):
            if rows is not None:
                tokens += sign * (pc.sum(rows.column("length")).as_py() or 0)
                for column in ("terms", "hashtags", "spellings"):
                    for value in set(_flat(rows.column(column))):
                        counts.pop((column, value), None)
        return Snapshot(posts, counts, tokens)

    def count(self, column: str, value: str) -> int:
        """How many posts hold a value in their terms, hashtags or spellings."""
        key = column, value
        found = self.counts.get(key)
        if found is None:
            found = self.table.count_rows(has(column, value))
            if len(self.counts) >= _KEPT:
                self.counts.clear()
            self.counts[key] = found
        return found

    def holders(self, terms: Collection[str]) -> int:
        """How many posts hold all of some terms."""
        distinct = list(dict.fromkeys(terms))
        if len(distinct) < 2:
            return self.count("terms", distinct[0]) if distinct else 0
        return int(self.table.count_rows(has_all("terms", distinct)))

    def get(self, ids: Iterable[str], columns: Sequence[str] = POST) -> pa.Table:
        """The rows of the posts with these ids; those that there are."""
        return self._rows(f"id IN {one_of(list(ids))}", columns)

    def _rows(self, condition: str, columns: Sequence[str]) -> pa.Table:
        return self.table.scanner(columns=list(columns), filter=condition).to_table()

    def carriers(self, hashtag: str, most: int, columns: Sequence[str] = POST) -> pa.Table:
        """The rows of up to `most` posts that carry a hashtag, those that came last, latest first."""
        found = self.table.scanner(columns=[], filter=has("hashtags", hashtag), with_row_id=True).to_table()
        rows = np.sort(found.column("_rowid").to_numpy())[::-1][:most]
        return self.table._take_rows(rows.tolist(), columns=list(columns))

    def beside(self, hashtag: str, most: int) -> tuple[int, Counter[str]]:
        """See [`right_hf.corpus.Corpus.beside`]."""
        rows = self.carriers(hashtag, most, ["hashtags"])
        return len(rows), Counter(other for other in _flat(rows.column("hashtags")) if other != hashtag)

    def between(self, first: float, last: float) -> list[Post]:
        """The posts of a time, from `first` to before `last` in seconds since 1970."""
        return posts_of(self._rows(f"moment >= {first!r} AND moment < {last!r}", POST))

    def hashtag_counts(self) -> dict[str, int]:
        """How many posts carry each hashtag; reads one column of all posts."""
        counts: Counter[str] = Counter()
        for batch in self.table.to_batches(columns=["hashtags"], batch_size=_BATCH):
            found = pc.value_counts(batch.column("hashtags").flatten())
            pairs = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
            counts.update(dict(pairs))
        return dict(counts)

    def posts(self) -> Iterator[Post]:
        """All posts, in the order of the table."""
        for batch in self.table.to_batches(columns=list(POST), batch_size=_BATCH):
            yield from posts_of(batch)

    def by_terms(self, terms: Sequence[str], k: int, exclude: Collection[str], k1: float, b: float) -> list[Hit]:
        """The best `k` posts for the terms of a query by BM25, ordered by (-score, id).

        The table finds many posts by its own BM25, whose parameters differ. What they would score by ours is estimated
        from their lengths, and the most promising are scored as [`BM25Retriever`] scores them.
        """
        known = [term for term in terms if self.count("terms", term)]
        if not known:
            return []
        wanted = k + len(exclude)
        query = lance().query.MatchQuery(" ".join(known), "terms")  # it counts repeats
        found = self.table.scanner(
            columns=["length", "_score"], full_text_query=query, limit=wanted + _FOUND, with_row_id=True
        ).to_table()
        estimates = self._estimates(found, k1, b)
        likely = np.argsort(-estimates, kind="stable")[: wanted + _SCORED]
        rows = self.table._take_rows(found.column("_rowid").take(pa.array(likely)).to_pylist(), [*POST, "terms"])
        return _best(rows, self._scores(rows, known, k1, b), k, exclude)

    @property
    def _mean_length(self) -> float:
        return self.tokens / self.size if self.tokens else 1.0

    def _estimates(self, found: pa.Table, k1: float, b: float) -> npt.NDArray[np.float64]:
        """(rows,) what rows score by our parameters in proportion, if each term stands in them once."""
        lengths, mean = found.column("length").to_numpy(), self._mean_length
        ours, theirs = term_weight(1, lengths, mean, k1, b), term_weight(1, lengths, mean, _K1, _B)
        return np.asarray(found.column("_score").to_numpy() * ours / theirs)

    def _scores(self, rows: pa.Table, terms: Sequence[str], k1: float, b: float) -> npt.NDArray[np.float32]:
        """(rows,) the BM25 scores of rows for the terms of a query; sums of float32, term by term as in an index."""
        frequencies = np.array([self.count("terms", term) for term in terms], dtype=np.int64)
        idf = inverse_document_frequency(self.size, frequencies).astype(np.float32)
        distinct = list(dict.fromkeys(terms))
        lists = rows.column("terms").combine_chunks()
        lengths = pc.list_value_length(lists).to_numpy()
        owners = np.repeat(np.arange(len(rows)), lengths)
        which = pc.index_in(lists.flatten(), value_set=pa.array(distinct, pa.string())).to_numpy(zero_copy_only=False)
        wanted = ~np.isnan(which.astype(np.float64))
        held = np.zeros((len(rows), len(distinct)), dtype=np.int64)  # (rows, distinct terms)
        np.add.at(held, (owners[wanted], which[wanted].astype(np.int64)), 1)
        weights = term_weight(np.maximum(held, 1), lengths[:, None], self._mean_length, k1, b).astype(np.float32)
        weights[held == 0] = 0
        scores = np.zeros(len(rows), dtype=np.float32)
        for term, one in zip(terms, idf, strict=True):
            scores += one * weights[:, distinct.index(term)]
        return scores

    def by_vector(self, vector: Matrix, k: int, exclude: Collection[str]) -> list[Hit]:
        """The `k` posts with the highest cosine to a unit vector, (d,), ordered by (-cosine, id); none of 0 or less."""
        rows = self.table.scanner(
            columns=[*POST, "_distance"],
            nearest={
                "column": "vector",
                "q": vector.astype(np.float16),
                "k": k + len(exclude),
                "metric": "cosine",
                "nprobes": _PROBES,
                "refine_factor": _REFINED,
            },
        ).to_table()
        return _best(rows, 1 - rows.column("_distance").to_numpy(), k, exclude)


def _best(rows: pa.Table, scores: npt.NDArray[np.float32], k: int, exclude: Collection[str]) -> list[Hit]:
    """The best `k` rows as hits, of those with a score above 0."""
    ids = rows.column("id").to_pylist()
    hidden = set(exclude)
    places = [row for row in range(len(ids)) if scores[row] > 0 and ids[row] not in hidden]
    places = sorted(places, key=lambda row: (-scores[row], ids[row]))[:k]
    posts = posts_of(rows.select(POST).take(pa.array(places, pa.int64())))
    return [Hit(post, score) for post, score in zip(posts, scores[places].tolist(), strict=True)]


def _flat(lists: Any) -> list[str]:
    """The values of lists, which may be missing, laid end to end."""
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
    found: list[str] = lists.flatten().to_pylist()
    return found


def _sum_of_lengths(posts: Any) -> int:
    batches = posts.to_batches(columns=["length"], batch_size=_BATCH)
    return sum(pc.sum(batch.column("length")).as_py() or 0 for batch in batches)
