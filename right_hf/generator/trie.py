"""Token sequences as a tree in a few arrays, for a hundred thousand hashtags at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]


class TokenTrie:
    """Token sequences by what they begin with. Nodes are numbered level by level, and the root is 0.

    Args:
        sequences: Token ids; empty ones are left out, and of equal ones all but the first.

    Attributes:
        tokens: (N,) the token that leads to each node.
        parents: (N,) its parent.
        counts: (N,) sequences that go through it or end there.
        entries: (N,) the number of the sequence that ends there, or -1.
        leaves: For each sequence the node where it ends, or -1 where it was left out.
    """

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        numbers: dict[tuple[int, ...], int] = {}
        for number, sequence in enumerate(sequences):
            if sequence:
                numbers.setdefault(tuple(sequence), number)
        rows = sorted(numbers)
        owners = np.fromiter((numbers[row] for row in rows), np.int32, len(rows))
        self._grow(_table(rows), np.fromiter(map(len, rows), np.int32, len(rows)), owners, len(sequences))

    def _grow(self, table: Ints, lengths: Ints, owners: Ints, sequences: int) -> None:
        """Makes the nodes of sorted rows (n, longest), filled up with -1."""
        differs = np.ones(table.shape, dtype=bool)
        differs[1:] = np.logical_or.accumulate(table[1:] != table[:-1], axis=1)
        tokens, parents, counts = ([np.array([value])] for value in (-1, -1, len(table)))
        self.leaves = np.full(sequences, -1, dtype=np.int32)
        at = np.zeros(len(table), dtype=np.int32)  # the node that each row has reached
        size = 1
        for depth in range(table.shape[1]):
            goes_on = lengths > depth
            new = differs[:, depth] & goes_on
            tokens.append(table[new, depth])
            parents.append(at[new])
            at = np.where(goes_on, size - 1 + np.cumsum(new), at).astype(np.int32)
            counts.append(np.bincount(at[goes_on] - size))
            ends = lengths == depth + 1
            self.leaves[owners[ends]] = at[ends]
            size += int(new.sum())
        self.tokens: Ints = np.concatenate(tokens).astype(np.int32)
        self.parents: Ints = np.concatenate(parents).astype(np.int32)
        self.counts: Ints = np.concatenate(counts).astype(np.int32)
        self.entries: Ints = np.full(size, -1, dtype=np.int32)
        self.entries[self.leaves[owners]] = owners
        #: Children lie side by side: those of node n from `_edges[n]` up to `_edges[n + 1]`.
        self._edges: Ints = np.searchsorted(self.parents, np.arange(size + 1)).astype(np.int32)

    @property
    def nbytes(self) -> int:
        """The size of the arrays in bytes."""
        arrays = (self.tokens, self.parents, self.counts, self.entries, self.leaves, self._edges)
        return sum(array.nbytes for array in arrays)

    def child(self, node: int, token: int) -> int:
        """The node that a token leads to from another; 0 where it leads nowhere."""
        first, last = self.children(node)
        at = first + int(np.searchsorted(self.tokens[first:last], token))
        return at if at < last and self.tokens[at] == token else 0

    def children(self, node: int) -> tuple[int, int]:
        """The first child of a node and the one after its last; their tokens ascend."""
        return int(self._edges[node]), int(self._edges[node + 1])

    def path(self, number: int) -> list[int]:
        """The nodes of a sequence, its end first; empty where it was left out."""
        node, nodes = int(self.leaves[number]), []
        while node > 0:
            nodes.append(node)
            node = int(self.parents[node])
        return nodes


def _table(rows: Sequence[Sequence[int]]) -> Ints:
    """Rows of different lengths as one table, filled up with -1."""
    lengths = np.fromiter(map(len, rows), np.int32, len(rows))
    table = np.full((len(rows), int(lengths.max(initial=0))), -1, dtype=np.int32)
    flat = np.fromiter((token for row in rows for token in row), np.int32, int(lengths.sum()))
    table[np.arange(table.shape[1]) < lengths[:, None]] = flat
    return table
