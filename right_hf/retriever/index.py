"""The BM25 index of one state of a corpus: immutable, made from the state before it without touching most posts.

It is kept as a log-structured merge tree (O'Neil et al., 1996): a change adds a small part and marks rows of others as
gone; now and then small parts are merged. Scores are formed at search time from whole numbers (term frequencies,
document frequencies, lengths), so an index that went through any changes gives the very scores of one built anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from right_hf.corpus import Corpus
from right_hf.corpus_parts import Part, Place, merge_parts
from right_hf.posts import Post
from right_hf.retriever.asked import Asked, Lists, Searched
from right_hf.retriever.base import Hit, flatten
from right_hf.retriever.exhaustive import BLOCK
from right_hf.retriever.postings import Ints, Lexicon, Postings, TermCounts, by_term, join, reorder, unpack_pairs
from right_hf.retriever.topk import PATIENCE, search_postings
from right_hf.workers import Engine

#: A part is merged with those after it when it is less than so many times as large as all of them.
_GROWTH = 4
#: A part is written anew when more than this share of its posts is gone.
_GONE_SHARE = 0.25
#: Characters up to which the terms of a text are remembered.
_PHRASE = 64


def inverse_document_frequency(posts: int, frequencies: Ints | int) -> npt.NDArray[np.float64]:
    """idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)), Lucene's variant, which is never negative."""
    return np.asarray(np.log(1 + (posts - frequencies + 0.5) / (frequencies + 0.5)))


@lru_cache(maxsize=1 << 14)
def _idf(posts: int, frequency: int) -> float:
    """The same of one term, from the same function so that it is the same to the last bit; few differ."""
    return float(inverse_document_frequency(posts, frequency))


def term_weight(
    frequencies: Ints | int, lengths: Ints, mean_length: float, k1: float, b: float
) -> npt.NDArray[np.float64]:
    """The weight tf / (tf + k1 (1 - b + b l / L)) of a term in a post (Robertson and Walker, 1994)."""
    return np.asarray(frequencies / (frequencies + k1 * (1 - b + b * lengths / mean_length)))


def check_parameters(k1: float, b: float) -> None:
    """Refuses parameters with which scores may be 0 or negative, which a search takes for "no term shared".

    Raises:
        ValueError: One is out of range.
    """
    if not (k1 >= 0 and 0 <= b <= 1):
        raise ValueError(f"k1 must be at least 0 and b in [0, 1], got k1={k1} and b={b}.")


#: A hit of a pair, in a third of the time that its constructor takes.
_hit = partial(tuple.__new__, Hit)


class Merged(NamedTuple):
    """Parts `first` to `last` (without it) of an index as one.

    Attributes:
        order: (posts,) the row of each post of the new part in the old ones laid end to end.
    """

    first: int
    last: int
    part: Part
    postings: Postings
    order: Ints


def merge_due(sizes: Sequence[int], live: Sequence[int], first: int = 0) -> tuple[int, int] | None:
    """Which parts should be merged next, as a range, or None.

    The sizes stay in a geometric row, so there are few parts, and each post is merged a few times only.

    Args:
        sizes: Rows of each part.
        live: Rows of them whose posts are still there.
        first: Parts before this one are left alone.
    """
    start, total = len(sizes) - 1, sum(live[-1:])
    while start > first and live[start - 1] < _GROWTH * total:
        start -= 1
        total += live[start]
    if 0 <= start < len(sizes) - 1:
        return start, len(sizes)
    for number in range(first, len(sizes)):
        if live[number] < (1 - _GONE_SHARE) * sizes[number]:
            return number, number + 1
    return None


def places_of(corpus: Corpus, ids: Iterable[str]) -> list[Place]:
    """Where the posts with these ids are kept, each once.

    Raises:
        KeyError: There is no post with one of the ids.
    """
    places = {post_id: corpus.place(post_id) for post_id in ids}
    if missing := [post_id for post_id, place in places.items() if place is None]:
        raise KeyError(f"The corpus holds no post {missing[0]!r}. Nothing was changed; leave it out, or use add().")
    return [place for place in places.values() if place is not None]


@dataclass(frozen=True, eq=False)
class Index:
    """One state of a corpus, ready to be searched.

    Attributes:
        corpus: The posts.
        postings: One for each part of the corpus.
        lexicon: Numbers of terms and pairs; shared by all states, and only grows.
        frequencies: (terms,) document frequency of each term.
        length: Number of terms of all posts together.
        k1: Saturation of the term frequency.
        b: Strength of the length normalisation.
        weights: (pairs,) weight of a posting by its code.
    """

    corpus: Corpus
    postings: tuple[Postings, ...]
    lexicon: Lexicon
    frequencies: Ints
    length: int
    k1: float
    b: float
    weights: npt.NDArray[np.float32]

    @classmethod
    def build(cls, corpus: Corpus, lexicon: Lexicon, k1: float, b: float, engine: Engine = map) -> Index:
        """Indexes a corpus, whose texts `engine` may share out."""
        return cls.of(corpus, tuple(lexicon.postings(part.posts, engine) for part in corpus.parts), lexicon, k1, b)

    @classmethod
    def of(cls, corpus: Corpus, postings: tuple[Postings, ...], lexicon: Lexicon, k1: float, b: float) -> Index:
        """The index of a corpus, all of whose posts are there, from their postings."""
        nothing = cls(corpus, postings, lexicon, np.zeros(0, np.int32), 0, k1, b, np.zeros(0, np.float32))
        return nothing._recounted(corpus, postings, postings, [])

    def _recounted(
        self, corpus: Corpus, postings: tuple[Postings, ...], added: Sequence[Postings], removed: Sequence[TermCounts]
    ) -> Index:
        """The index with other posts, its totals changed by the terms of those that came and went."""
        frequencies = np.zeros(len(self.lexicon.vocabulary), dtype=np.int32)
        frequencies[: len(self.frequencies)] = self.frequencies
        pair_frequencies, pair_lengths = unpack_pairs(self.lexicon.packed)
        length = self.length
        for entry in added:
            frequencies[entry.known] += np.diff(entry.starts)
        for counts in removed:
            np.subtract.at(frequencies, counts.terms, 1)
        for changes, sign in (([entry.counts for entry in added], 1), (removed, -1)):
            for counts in changes:
                first_codes = counts.codes[counts.starts[:-1][np.diff(counts.starts) > 0]]
                length += sign * int(pair_lengths[first_codes].sum())
        mean_length = length / len(corpus) if length else 1.0
        weights = term_weight(pair_frequencies, pair_lengths, mean_length, self.k1, self.b).astype(np.float32)
        return Index(corpus, postings, self.lexicon, frequencies, length, self.k1, self.b, weights)

    def changed(self, added: Sequence[Post], removed: Sequence[Place]) -> Index:
        """The index after a change: the posts at some places are gone, then others come.

        Raises:
            ValueError: An added post is wrong, or its id is taken by one that stays.
        """
        corpus = self.corpus.changed(added, removed)
        gone: dict[int, list[int]] = {}
        for place in removed:
            gone.setdefault(place.part, []).append(place.row)
        lost = [reorder(self.postings[number].counts, np.asarray(rows)) for number, rows in gone.items()]
        new = [self.lexicon.postings(part.posts) for part in corpus.parts[len(self.postings) :]]
        return self._recounted(corpus, (*self.postings, *new), new, lost)

    def merge_due(self, first: int = 0) -> tuple[int, int] | None:
        """Which parts should be merged next; see [`merge_due`]."""
        parts = self.corpus.parts
        return merge_due([len(part.posts) for part in parts], [part.live for part in parts], first)

    def merge(self, first: int, last: int) -> Merged:
        """Merges parts `first` to `last` (without it)."""
        part, order = merge_parts(self.corpus.parts[first:last])
        counts = reorder(join([postings.counts for postings in self.postings[first:last]]), order)
        return Merged(first, last, part, by_term(counts, self.lexicon.packed), order)

    def with_merged(self, merged: Merged) -> Index:
        """The same index with merged parts in place of the old, of which posts may be gone since the merge."""
        first, last = merged.first, merged.last
        alive = np.concatenate([part.alive for part in self.corpus.parts[first:last]])[merged.order]
        corpus = self.corpus.with_merged(first, last, Part(merged.part.posts, alive))
        kept = (merged.postings,) if merged.part.posts else ()
        postings = (*self.postings[:first], *kept, *self.postings[last:])
        return Index(corpus, postings, self.lexicon, self.frequencies, self.length, self.k1, self.b, self.weights)

    def apart(self) -> Index:
        """The same state, which shares nothing with other states that grows with them."""
        return replace(self, corpus=self.corpus.apart(), lexicon=self.lexicon.apart())

    def replayed(self, outcome: Mapping[str, Post | None]) -> Index:
        """The index after changes that made this of some posts (None: removed)."""
        if not outcome:
            return self
        places = [place for post_id in outcome if (place := self.corpus.place(post_id)) is not None]
        return self.changed([post for post in outcome.values() if post is not None], places)

    def compacted(self) -> Index:
        """The same index in one part, without posts that are gone."""
        parts = self.corpus.parts
        whole = len(parts) == 1 and parts[0].live == len(parts[0].posts)
        return self if whole or not parts else self.with_merged(self.merge(0, len(parts)))

    def idf(self, text: str) -> list[float]:
        """The inverse document frequency of each term of a text; of one that no post has, too."""
        posts = len(self.corpus)
        analyse = self.lexicon.terms_of_phrase if len(text) <= _PHRASE else self.lexicon.analyse
        frequencies = map(self._frequency, analyse(text))
        return [_idf(posts, frequency) for frequency in frequencies]

    def holders(self, phrase: str) -> int:
        """How many posts hold all terms of a phrase; posts that are gone may count until their part is merged."""
        numbers = [self.lexicon.vocabulary.get(term, -1) for term in set(self.lexicon.terms_of_phrase(phrase))]
        if len(numbers) < 2:
            return int(self.frequencies[numbers[0]]) if numbers and 0 <= numbers[0] < len(self.frequencies) else 0
        return sum(postings.holders(np.asarray(numbers)) for postings in self.postings)

    def _frequency(self, term: str) -> int:
        number = self.lexicon.vocabulary.get(term, len(self.frequencies))
        return int(self.frequencies[number]) if number < len(self.frequencies) else 0

    def search(
        self, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> list[list[Hit]]:
        """The best `k` posts of each query, see [`BM25Retriever.search`]; of this state, whatever happens meanwhile."""
        return self._hits(len(queries), self.best_rows(queries, k, exclude), k)

    def best_rows(
        self, queries: Sequence[str], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> list[tuple[Ints, npt.NDArray[np.float32]]]:
        """For each part of the corpus the rows and scores, (queries, at most k) each, of those that may be the best."""
        known = len(self.frequencies)
        terms, starts = flatten([[t for t in self.lexicon.known(query) if t < known] for query in queries])
        idf = inverse_document_frequency(len(self.corpus), self.frequencies[terms]).astype(np.float32)
        floors = np.zeros(len(queries), dtype=np.float32)
        best: list[tuple[Ints, npt.NDArray[np.float32]]] = []
        for part, postings in zip(self.corpus.parts, self.postings, strict=True):
            hidden = Lists(*flatten([part.rows(ids) for ids in exclude or [()] * len(queries)]))
            searched = Searched(postings, part.alive, self.weights)
            asked = Asked(terms, *postings.slices(terms), idf, starts)
            rows, scores = search_postings(searched, asked, hidden, floors, min(k, len(part.posts)), PATIENCE, BLOCK)
            best.append((rows, scores))
            if scores.shape[1] == k:  # whoever comes later has to be as good as the last of these
                floors = np.maximum(floors, scores[:, -1])
        return best

    def _hits(self, queries: int, best: Sequence[tuple[Ints, npt.NDArray[np.float32]]], k: int) -> list[list[Hit]]:
        """The best `k` posts of each query from the best of each part: rows and scores, (queries, at most k)."""
        if not best:
            return [[] for _ in range(queries)]
        if len(best) == 1:
            find = self.corpus.parts[0].posts.__getitem__
            rows, scores = best[0]
            sizes = np.count_nonzero(scores, axis=1).tolist()
            found = ((some[:n].tolist(), its[:n].tolist()) for some, its, n in zip(rows, scores, sizes, strict=True))
            return [list(map(_hit, zip(map(find, some), its, strict=True))) for some, its in found]
        rows, scores = (np.concatenate(arrays, axis=1) for arrays in zip(*best, strict=True))
        owners = np.repeat(np.arange(len(best)), [part_rows.shape[1] for part_rows, _ in best])
        wanted = scores > 0
        if scores.shape[1] > k:  # posts are looked up only for those that may be among the k
            wanted &= scores >= np.partition(scores, -k, axis=1)[:, -k, None]
        asked, places = np.nonzero(wanted)
        posts = [part.posts for part in self.corpus.parts]
        hits: list[list[Hit]] = [[] for _ in range(queries)]
        chosen = zip(*(a.tolist() for a in (asked, owners[places], rows[wanted], scores[wanted])), strict=True)
        for query, owner, row, score in chosen:
            hits[query].append(_hit((posts[owner][row], score)))
        return [sorted(found, key=lambda hit: (-hit.score, hit.post.id))[:k] for found in hits]
