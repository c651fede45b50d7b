"""The order in which posts are searched, and signatures of their terms; for bounds on scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

#: Bits of a signature.
BITS = 64
#: 2**64 over the golden ratio: multiples of it are spread evenly (Knuth, The Art of Computer Programming, 6.4).
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def signature_bit(term: int) -> Any:
    """The bit that a term sets in signatures."""
    return (np.uint64(term) * _SPREAD) >> np.uint64(58)


@njit(cache=True, nogil=True)
def sign(starts: Any, terms: Any, order: Any, signatures: Any) -> None:
    """Fills in the signature of each post of an order: the bits of all its terms (superimposed coding, Mooers 1948)."""
    for place in range(len(order)):
        signature = np.uint64(0)
        for i in range(starts[order[place]], starts[order[place] + 1]):
            signature |= np.uint64(1) << signature_bit(terms[i])
        signatures[place] = signature


@njit(cache=True, nogil=True)
def highest(starts: Any, codes: Any, ranks: Any, out: Any) -> None:
    """Fills in the highest rank among the codes of each post that has terms."""
    for row in range(len(starts) - 1):
        if starts[row] < starts[row + 1]:
            rank = 0
            for i in range(starts[row], starts[row + 1]):
                rank = max(rank, ranks[codes[i]])
            out[row] = rank
