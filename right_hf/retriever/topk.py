"""The compiled search over the postings of one part: exact, with ties broken by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from right_hf.retriever.asked import Asked, Lists, Searched
from right_hf.retriever.exhaustive import sum_all
from right_hf.retriever.heap import Best, sort_heap
from right_hf.retriever.plan import new_room
from right_hf.retriever.pruning import prune
from right_hf.retriever.signatures import BITS

#: Queries of which pruning has cost as much as summing all postings would are begun anew and summed.
PATIENCE = 1.0
#: What a posting costs that is summed, and a post whose sum is looked at; in ns.
_SUMMED = 2.5
_LOOKED_AT = 0.4


@njit(cache=True, nogil=True)
def search_postings(
    searched: Searched, asked: Asked, hidden: Lists, floors: Any, k: int, patience: float, block: int
) -> tuple[Any, Any]:
    """Finds the `k` posts with the highest scores among those that share a term with a query.

    A query scores the same alone and in a batch, and a post the same in whatever part it is.

    Args:
        searched: What is searched.
        asked: The queries.
        hidden: For each query the rows not to be returned.
        floors: (queries,) posts with a lower score need not be returned.
        k: Hits wanted.
        patience: What pruning may cost, as a share of what it costs to sum all postings; it changes the speed alone.
        block: Posts whose sums are formed at a time where all postings are summed; likewise.

    Returns:
        rows (queries, k) and scores (queries, k), ordered by (-score, row); a score of 0 where there is no further hit.
    """
    count, posts = len(asked.starts) - 1, len(searched.alive)
    rows = np.zeros((count, k), dtype=np.int32)
    scores = np.zeros((count, k), dtype=np.float32)
    room = new_room(searched, asked)
    sums = np.zeros(0, dtype=np.float32)  # made when first needed
    for number in range(count):
        first, last = asked.starts[number], asked.starts[number + 1]
        banned = hidden.values[hidden.starts[number] : hidden.starts[number + 1]]
        best = Best(scores[number], rows[number], np.zeros(1, np.int64), floors[number : number + 1].copy(), banned)
        postings = 0
        for term in range(first, last):
            postings += asked.ends[term] - asked.begins[term]
        budget = patience * (_SUMMED * postings + _LOOKED_AT * posts)
        # Of more terms than a signature has bits, every post might hold some.
        if last - first > BITS or not prune(searched, asked, first, last, room, best, budget):
            best.size[0] = 0
            best.scores[:] = 0.0
            if len(sums) == 0:
                sums = np.zeros(min(block, posts), dtype=np.float32)
            sum_all(searched, asked, first, last, sums, best)
        sort_heap(best.scores, best.rows, best.size[0])
    return rows, scores
