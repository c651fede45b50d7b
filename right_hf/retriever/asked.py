"""What the compiled search takes: postings of one part, and the terms of queries."""

from __future__ import annotations

from typing import Any, NamedTuple

from right_hf.retriever.postings import Postings


class Lists(NamedTuple):
    """Lists of rows, laid end to end: those of list i are `values[starts[i] : starts[i + 1]]`."""

    values: Any
    starts: Any


class Searched(NamedTuple):
    """What is searched.

    Attributes:
        postings: Those of one part.
        alive: (posts,) which rows may be returned.
        weights: (codes,) weight of a posting by its code, all > 0, growing with the term frequency.
    """

    postings: Postings
    alive: Any
    weights: Any


class Asked(NamedTuple):
    """The terms of some queries, one query after the other.

    Attributes:
        terms: Number of each term.
        begins: Where its postings begin.
        ends: Where they end.
        idf: Its inverse document frequency, > 0.
        starts: (queries + 1,) where each query begins.
    """

    terms: Any
    begins: Any
    ends: Any
    idf: Any
    starts: Any
