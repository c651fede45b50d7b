"""Leaks between splits: posts whose text, or nearly their text, stands in another split too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import NamedTuple

from right_hf.analysis import Analyser
from right_hf.posts import Post
from right_hf.progress import bar
from right_hf.retriever.duplicates import NEAR_DUPLICATE_OVERLAP, jaccard

_EXAMPLES = 5


class Match(NamedTuple):
    """A post and its nearest in another split; `overlap` is the Jaccard overlap of terms, 1 for equal texts."""

    id: str
    other_id: str
    overlap: float


@dataclass(frozen=True)
class Leak:
    """What two splits share.

    Attributes:
        split: The split that is looked at.
        other: The split that is searched, an earlier one.
        posts: Posts of `split`.
        exact: How many of them have a post of equal (cleaned) text in `other`.
        near: How many more have a near duplicate there.
        examples: Some of them, the nearest first.
    """

    split: str
    other: str
    posts: int
    exact: int
    near: int
    examples: tuple[Match, ...]


class OverlapIndex:
    """Finds posts by the Jaccard overlap of their terms, exactly.

    With terms ordered from rare to frequent, two sets of n and m terms whose overlap reaches t share one of their first
    n - ⌈tn⌉ + 1 and m - ⌈tm⌉ + 1 terms (prefix filter; Bayardo et al., WWW 2007), so only these are looked up.
    """

    def __init__(self, posts: Sequence[Post], analyse: Analyser, overlap: float) -> None:
        self._posts, self._analyse, self._overlap = posts, analyse, overlap
        terms = [set(analyse(post.text)) for post in posts]
        counts = Counter(term for found in terms for term in found)
        ordered = sorted(counts, key=lambda term: (counts[term], term))
        self._ranks = {term: rank for rank, term in enumerate(ordered)}
        self._terms = [self._sorted_ranks(found) for found in terms]
        self._rows: dict[int, list[int]] = defaultdict(list)
        for row, ranks in enumerate(self._terms):
            for rank in self._prefix(ranks):
                self._rows[rank].append(row)

    def _sorted_ranks(self, terms: Iterable[str]) -> tuple[int, ...]:
        unknown = (-1 - i for i, term in enumerate(terms) if term not in self._ranks)  # the rarest of all
        return tuple(sorted([*unknown, *(self._ranks[term] for term in terms if term in self._ranks)]))

    def _prefix(self, ranks: tuple[int, ...]) -> tuple[int, ...]:
        return ranks[: len(ranks) - ceil(self._overlap * len(ranks) - 1e-9) + 1]

    def nearest(self, post: Post) -> Match | None:
        """The post of greatest overlap (ties by id), if it reaches the wanted overlap."""
        ranks = self._sorted_ranks(set(self._analyse(post.text)))
        rows = {row for rank in self._prefix(ranks) for row in self._rows.get(rank, ())}
        matches = (Match(post.id, self._posts[row].id, jaccard(ranks, self._terms[row])) for row in rows)
        close = [match for match in matches if match.overlap >= self._overlap]
        return min(close, key=lambda match: (-match.overlap, match.other_id), default=None)


def find_leaks(
    splits: Mapping[str, Sequence[Post]], analyse: Analyser, overlap: float = NEAR_DUPLICATE_OVERLAP
) -> list[Leak]:
    """What each split shares with those before it.

    Args:
        splits: Posts by the name of their split, the training posts first.
        analyse: Cuts a post into the terms that are compared.
        overlap: Jaccard overlap of terms, in (0, 1], from which two posts count as near duplicates.

    Returns:
        One entry for each pair of splits.

    Raises:
        ValueError: `overlap` is out of range.
    """
    if not 0 < overlap <= 1:
        raise ValueError(f"The overlap of near duplicates must be above 0 and at most 1, got {overlap}.")
    leaks: list[Leak] = []
    for other, split in combinations(splits, 2):
        same = {post.text: post.id for post in reversed(splits[other])}
        index = OverlapIndex(splits[other], analyse, overlap)
        exact: list[Match] = []
        near: list[Match] = []
        for post in bar(splits[split], f"comparing {split} with {other}", "post", leave=False):
            if post.text in same:
                exact.append(Match(post.id, same[post.text], 1.0))
            elif match := index.nearest(post):
                near.append(match)
        nearest = sorted(near, key=lambda match: (-match.overlap, match.id))
        examples = (*exact, *nearest)[:_EXAMPLES]
        leaks.append(Leak(split, other, len(splits[split]), len(exact), len(near), examples))
    return leaks
