"""Postings: which posts of one part hold which terms, how often, by post and by term; immutable.

A posting says how often a term occurs in a post by a code for the pair (term frequency, length of the post). A corpus
of short posts has a few hundred such pairs, so the search weighs a term with one look into a small table, which is
made anew whenever the mean length changes; nothing that depends on the rest of the corpus is ever stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from right_hf.analysis import Analyser, get_analyser
from right_hf.memo import Memo
from right_hf.post_table import PostTable
from right_hf.retriever.base import flatten
from right_hf.retriever.signatures import highest, sign
from right_hf.workers import Engine

Ints = npt.NDArray[Any]

#: Posts whose terms are counted at once, which bounds the memory that this takes.
_CHUNK = 20_000


class TermCounts(NamedTuple):
    """The terms of posts, post by post.

    Attributes:
        starts: (posts + 1,) where each post begins.
        terms: (postings,) the distinct terms of each post.
        codes: (postings,) the code of (frequency of the term in the post, length of the post).
    """

    starts: Ints
    terms: Ints
    codes: Ints


class Cut(NamedTuple):
    """Texts cut into terms, which are numbered in the order in which they come.

    Attributes:
        vocabulary: The terms.
        terms: Those of the texts, one text after the other, by their numbers.
        begins: (texts + 1,) where each text begins.
    """

    vocabulary: list[str]
    terms: Ints
    begins: Ints


def cut_texts(analyse: Analyser, texts: Sequence[str]) -> Cut:
    """Cuts texts into terms."""
    numbers: dict[str, int] = {}
    terms, begins = flatten([[numbers.setdefault(term, len(numbers)) for term in analyse(text)] for text in texts])
    return Cut(list(numbers), terms, begins)


class Postings(NamedTuple):
    """The terms of the posts of one part, by post and by term.

    Posts are searched in the order of their highest term frequency, then of their length, which makes groups of posts
    that share a bound on weights; a post's place is that in this order.

    Attributes:
        counts: By post.
        order: (posts,) row of the post at each place; those without terms come last.
        signatures: (posts,) signature of the post at each place, see [`right_hf.retriever.signatures`].
        group_starts: (groups + 1,) place at which each group begins.
        group_codes: (groups,) code of the pair (highest term frequency in the post, length) of a group's posts.
        known: (distinct terms,) the terms that occur, ascending.
        starts: (distinct terms + 1,) where each term begins in `places`.
        places: (postings,) places of the posts with the term, ascending.
        codes: (postings,) as in `counts`.
    """

    counts: TermCounts
    order: Ints
    signatures: Ints
    group_starts: Ints
    group_codes: Ints
    known: Ints
    starts: Ints
    places: Ints
    codes: Ints

    def slices(self, terms: Ints) -> tuple[Ints, Ints]:
        """Where the postings of each term begin and end, equal where there are none."""
        at = np.searchsorted(self.known, terms)
        found = at < len(self.known)
        found[found] = self.known[at[found]] == terms[found]
        at[~found] = 0
        return np.where(found, self.starts[at], 0), np.where(found, self.starts[at + found], 0)

    def holders(self, terms: Ints) -> int:
        """How many posts hold all of some terms."""
        lists = [self.places[first:last] for first, last in zip(*self.slices(terms), strict=True)]
        lists.sort(key=len)
        held = lists[0]
        for places in lists[1:]:
            if not len(held):
                return 0
            at = np.minimum(np.searchsorted(places, held), len(places) - 1)
            held = held[places[at] == held]
        return len(held)


class Lexicon:
    """Numbers the terms and the pairs (term frequency, length) that occur; both only ever grow.

    Args:
        analyser: Name of the analyser.
        terms: Terms whose numbers are given by their order.
        pairs: Packed pairs, likewise (see [`pack_pairs`]).
    """

    def __init__(self, analyser: str, terms: Sequence[str] = (), pairs: Sequence[int] = ()) -> None:
        self.analyser = analyser
        self.analyse = get_analyser(analyser)
        #: The same of words and hashtags, which are asked about again and again.
        self.terms_of_phrase = Memo(self.analyse)
        self.vocabulary = {term: number for number, term in enumerate(terms)}
        self.pairs = {pair: code for code, pair in enumerate(pairs)}

    def apart(self) -> Lexicon:
        """The same numbers, which grow on their own."""
        return Lexicon(self.analyser, list(self.vocabulary), list(self.pairs))

    def known(self, query: str) -> list[int]:
        """The terms of a query that have a number, in the query's order, with repeats."""
        vocabulary = self.vocabulary
        return [vocabulary[term] for term in self.analyse(query) if term in vocabulary]

    @property
    def packed(self) -> Ints:
        """(codes,) the packed pair of each code."""
        return np.array(list(self.pairs), dtype=np.int64)  # in one step: another thread may add some meanwhile

    def postings(self, posts: PostTable, engine: Engine = map) -> Postings:
        """The postings of posts as one part; new terms and pairs get numbers."""
        counts = self.count(posts, engine)
        return by_term(counts, self.packed)

    def count(self, posts: PostTable, engine: Engine = map) -> TermCounts:
        """Counts the terms of posts, whose texts `engine` may share out; new terms and pairs get numbers."""
        texts = (posts.texts(i, _CHUNK) for i in range(0, len(posts), _CHUNK))
        return join([self._count_chunk(cut) for cut in engine(partial(cut_texts, self.analyse), texts)])

    def _count_chunk(self, cut: Cut) -> TermCounts:
        vocabulary = self.vocabulary
        numbers = np.asarray([vocabulary.setdefault(term, len(vocabulary)) for term in cut.vocabulary], dtype=np.int32)
        terms, texts, lengths = numbers[cut.terms], len(cut.begins) - 1, np.diff(cut.begins)
        owners = np.repeat(np.arange(texts), lengths)
        distinct, frequencies = np.unique(owners * len(vocabulary) + terms, return_counts=True)
        owners, terms = np.divmod(distinct, max(len(vocabulary), 1))
        pairs, codes = np.unique(pack_pairs(frequencies, lengths[owners]), return_inverse=True)
        known = [self.pairs.setdefault(pair, len(self.pairs)) for pair in pairs.tolist()]
        starts = np.zeros(texts + 1, dtype=np.int64)
        np.cumsum(np.bincount(owners, minlength=texts), out=starts[1:])
        return TermCounts(starts, terms.astype(np.int32), as_codes(np.asarray(known, dtype=np.uint32)[codes]))


def pack_pairs(frequencies: Ints, lengths: Ints) -> Ints:
    """Packs term frequencies and lengths of posts into one number a pair."""
    return frequencies.astype(np.int64) << 32 | lengths.astype(np.int64)


def unpack_pairs(pairs: Ints) -> tuple[Ints, Ints]:
    """Term frequencies and lengths of posts of packed pairs."""
    return pairs >> 32, pairs & 0xFFFFFFFF


def as_codes(codes: Ints) -> Ints:
    """Codes in two bytes where that is enough, else in four."""
    return codes.astype(np.uint16 if codes.max(initial=0) <= 0xFFFF else np.uint32)


def join(parts: Sequence[TermCounts]) -> TermCounts:
    """Lays the posts of some parts end to end."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([0, *(part.starts[-1] for part in parts)])
    starts = [part.starts[1:] + end for part, end in zip(parts, ends.tolist(), strict=False)]
    return TermCounts(
        np.concatenate([ends[:1], *starts]),
        np.concatenate([part.terms for part in parts]),
        np.concatenate([part.codes for part in parts]),
    )


def reorder(counts: TermCounts, order: Ints) -> TermCounts:
    """The terms of the posts of the given rows, in that order."""
    starts = np.zeros(len(order) + 1, dtype=np.int64)
    np.cumsum(np.diff(counts.starts)[order], out=starts[1:])
    terms, codes = np.empty(starts[-1], counts.terms.dtype), np.empty(starts[-1], counts.codes.dtype)
    _copy_posts(counts.starts, counts.terms, counts.codes, order, starts, terms, codes)
    return TermCounts(starts, terms, codes)


def by_term(counts: TermCounts, pairs: Ints) -> Postings:
    """Puts the terms of posts in the order of search, and sorts them by term.

    Args:
        counts: The terms of posts.
        pairs: (codes,) packed pair of each code, see [`pack_pairs`].
    """
    order, group_starts, group_codes = _grouped(counts, pairs)
    signatures = np.empty(len(order), np.uint64)
    sign(counts.starts, counts.terms, order, signatures)
    known = _distinct(counts.terms)
    local = np.empty(known[-1] + 1 if len(known) else 0, dtype=np.int32)  # only the entries of known terms are touched
    local[known] = np.arange(len(known))
    places, codes = np.empty(len(counts.terms), np.int32), np.empty(len(counts.terms), counts.codes.dtype)
    starts = np.zeros(len(known) + 1, dtype=np.int64)
    _sort_by_term(counts, order, local, starts, places, codes)
    return Postings(counts, order, signatures, group_starts, group_codes, known, starts, places, codes)


def _grouped(counts: TermCounts, pairs: Ints) -> tuple[Ints, Ints, Ints]:
    """The order in which posts are searched, where its groups begin, and their codes; see [`Postings`]."""
    codes = _distinct(counts.codes)
    codes = codes[np.argsort(pairs[codes])]
    ranks = np.empty(len(pairs), dtype=np.int32)  # only the entries of these codes are touched
    ranks[codes] = np.arange(len(codes))
    tops = np.full(len(counts.starts) - 1, len(codes), dtype=counts.codes.dtype)
    highest(counts.starts, counts.codes, ranks, tops)
    sizes = np.bincount(tops, minlength=len(codes) + 1)[:-1]
    used = np.flatnonzero(sizes)
    return np.argsort(tops, kind="stable").astype(np.int32), np.cumsum([0, *sizes[used]]), codes[used].astype(np.int32)


def _distinct(numbers: Ints) -> Ints:
    """The distinct numbers, ascending; counted where that is quicker than sorting."""
    bound = int(numbers.max(initial=0)) + 1
    return np.flatnonzero(np.bincount(numbers)).astype(np.int32) if bound <= len(numbers) else np.unique(numbers)


@njit(cache=True, nogil=True)
def _copy_posts(
    starts: Any, terms: Any, codes: Any, order: Any, new_starts: Any, new_terms: Any, new_codes: Any
) -> None:
    """Copies the postings of the posts `order` to where `new_starts` says."""
    for row in range(len(order)):
        start = starts[order[row]]
        to = new_starts[row]
        for i in range(new_starts[row + 1] - to):
            new_terms[to + i] = terms[start + i]
            new_codes[to + i] = codes[start + i]


@njit(cache=True, nogil=True)
def _sort_by_term(counts: TermCounts, order: Any, local: Any, out_starts: Any, out_places: Any, out_codes: Any) -> None:
    """Counting sort by term; the posts of a term stay in order. Fills the three output arrays."""
    starts, terms, codes = counts
    for i in range(len(terms)):
        out_starts[local[terms[i]] + 1] += 1
    for term in range(1, len(out_starts)):
        out_starts[term] += out_starts[term - 1]
    free = out_starts[:-1].copy()
    for place in range(len(order)):
        for i in range(starts[order[place]], starts[order[place] + 1]):
            term = local[terms[i]]
            out_places[free[term]] = place
            out_codes[free[term]] = codes[i]
            free[term] += 1
