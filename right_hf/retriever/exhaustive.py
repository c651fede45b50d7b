"""The compiled search that sums all postings of a query, for queries of which bounds would spare few.

Posts are gone through in blocks, whose sums stay in the processor's cache however large the part is.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from right_hf.retriever.asked import Asked, Searched
from right_hf.retriever.heap import Best, is_in, offer
from right_hf.retriever.pruning import position

#: Posts of a block; their sums take 256 KiB.
BLOCK = 65_536


@njit(cache=True, nogil=True)
def sum_all(searched: Searched, asked: Asked, first: int, last: int, sums: Any, best: Best) -> None:
    """Scores every post with one of the terms from `first` to `last` (without it), and takes up the best.

    A post's sum is formed in the order of the terms.

    Args:
        searched: What is searched.
        asked: The queries.
        first: First term of the query.
        last: One past its last.
        sums: (block,) zeros, and zeros again afterwards; the length changes the speed alone.
        best: The best posts.
    """
    places, codes, order = searched.postings.places, searched.postings.codes, searched.postings.order
    weights, alive = searched.weights, searched.alive
    scores, rows, hidden, size, floor = best.scores, best.rows, best.hidden, best.size[0], best.floor[0]
    here = asked.begins[first:last].copy()  # where the block's postings of each term begin
    for start in range(0, len(order), len(sums)):
        stop = min(start + len(sums), len(order))
        is_empty = True
        for term in range(last - first):
            idf, end = asked.idf[first + term], position(places, here[term], asked.ends[first + term], stop)
            for entry in range(here[term], end):
                sums[places[entry] - start] += idf * weights[codes[entry]]
            is_empty &= here[term] == end
            here[term] = end
        if is_empty:
            continue
        for place in range(stop - start):
            if sums[place] >= floor and sums[place] > 0.0:
                row = order[start + place]
                if alive[row] and not is_in(row, hidden):
                    size = offer(scores, rows, size, sums[place], row)
                    floor = max(floor, scores[0]) if size == len(scores) else floor
        sums[: stop - start] = 0.0
    best.size[0], best.floor[0] = size, floor
