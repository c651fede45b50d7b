"""Hashtags in plural and singular that a corpus shows to be one: used alike, not merely spelled alike."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from right_hf.analysis import Analyser, english_words
from right_hf.posts import Post
from right_hf.text.hashtags import hashtag_key

#: Posts of each of two hashtags without which nothing can be said on their use.
LEAST_POSTS = 3
#: Cosine between the centroids of their posts; of random pairs of hashtags one in forty reaches it.
LEAST_SIMILARITY = 0.09
#: Likeness of posts of the one to posts of the other, by the likeness within each. Large hashtags have alike centroids
#: for the general words of their many posts (new, news: 0.13), but not this: the two conditions hold for one random
#: pair in a hundred, and for one in forty of the most used hashtags.
LEAST_RATIO = 0.5

_SHORTEST_WORD = 3
#: Words in -s that are no plural of what they seem to be.
_NO_PLURALS = frozenset(
    {
        "as", "bus", "gas", "has", "his", "its", "ios", "aws", "sms", "this", "was", "yes", "plus", "news",
        "physics", "mathematics", "statistics", "politics", "economics", "ethics", "athletics", "robotics",
        "graphics", "canvas", "windows", "series", "species", "always", "perhaps", "besides", "goods", "arms",
        "customs", "glasses", "humanities", "texas", "kansas", "paris", "mars",
    }
)  # fmt: skip
_SIBILANTS = ("s", "x", "z", "ch", "sh")
_VOWELS = frozenset("aeiou")
_VOWELS_AND_Y = _VOWELS | {"y"}


@dataclass(frozen=True, slots=True)
class Merge:
    """Two hashtags that are one.

    Attributes:
        variant: The key ([`hashtag_key`]) of the one that gives way.
        main: The key of the one that stands for both: the one of more posts.
        variant_posts: Posts with the variant.
        main_posts: Posts with the main one.
        similarity: Cosine of the centroids of their posts; None where a person says so without it.
    """

    variant: str
    main: str
    variant_posts: int | None = None
    main_posts: int | None = None
    similarity: float | None = None


def singulars(plural: str) -> Iterator[str]:
    """What a word could be the plural of, by its spelling alone: `parties` of party (and partie)."""
    if plural in _NO_PLURALS or not plural.endswith("s") or plural.endswith(("ss", "us")):
        return
    stem = plural[:-1]
    if not stem.endswith("s"):
        yield stem
    if stem.endswith("e") and stem[:-1].endswith((*_SIBILANTS, "o")):
        yield stem[:-1]
    if stem.endswith("ie") and stem[-3:-2] not in _VOWELS:
        yield f"{stem[:-2]}y"


def plural_pairs(hashtags: Mapping[str, str]) -> list[tuple[str, str]]:
    """Hashtags whose last words are singular and plural, by spelling alone.

    Args:
        hashtags: By key the form in which the hashtag is kept, whose words are looked at.

    Returns:
        Pairs of keys, the singular first; sorted.
    """
    pairs: set[tuple[str, str]] = set()
    for plural, kept in hashtags.items():
        words = kept.split()
        for last in {words[-1] if words else "", plural} if plural.isascii() and plural.isalnum() else ():
            for single in singulars(last):
                key = plural.removesuffix(last) + single
                if key in hashtags and _is_word(single):
                    pairs.add((key, plural))
    return sorted(pairs)


def _is_word(text: str) -> bool:
    """Not an acronym, to which an s gives another meaning as often as a plural (wcw, wcws)."""
    return len(text) >= _SHORTEST_WORD and text[-1].isalpha() and not _VOWELS_AND_Y.isdisjoint(text)


def propose_merges(
    posts: Iterable[Post],
    analyse: Analyser = english_words,
    least_similarity: float = LEAST_SIMILARITY,
    least_ratio: float = LEAST_RATIO,
    least_posts: int = LEAST_POSTS,
) -> list[Merge]:
    """Finds hashtags in plural and singular that posts use alike.

    Two hashtags are used alike where their posts, without the words of the two hashtags, hold the same terms and the
    same other hashtags. Posts that carry both say nothing and are left out.

    Args:
        posts: The posts of a corpus.
        analyse: Cuts a post into terms.
        least_similarity: Cosine of the centroids of the two hashtags' posts, in [0, 1].
        least_ratio: Likeness across the two by that within each, in [0, 1].
        least_posts: Posts that each of the two must have.

    Returns:
        The merges in the order of their variants; no main hashtag is itself a variant.

    Raises:
        ValueError: A bound is out of range.
    """
    for name, value in (("least_similarity", least_similarity), ("least_ratio", least_ratio)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be from 0 to 1, got {value}.")
    posts = list(posts)
    uses = _Uses.of(posts)
    pairs = [
        pair for pair in plural_pairs(uses.kept()) if all(len(uses.rows[key]) >= max(1, least_posts) for key in pair)
    ]
    contexts = _Contexts(posts, {row for pair in pairs for key in pair for row in uses.rows[key]}, analyse)
    found = (_compared(single, plural, uses, contexts, least_similarity, least_ratio) for single, plural in pairs)
    best = sorted(
        (merge for merge in found if merge is not None), key=lambda merge: (merge.similarity or 0, merge.main)
    )
    return _resolved({merge.variant: merge for merge in best})


def _resolved(merges: Mapping[str, Merge]) -> list[Merge]:
    """Merges whose main hashtag is the last of its chain."""
    ends = final_mains({variant: merge.main for variant, merge in merges.items()})
    posts = {merge.main: merge.main_posts for merge in merges.values()}
    return [replace(merges[key], main=ends[key], main_posts=posts[ends[key]]) for key in sorted(merges)]


def final_mains(mains: Mapping[str, str]) -> dict[str, str]:
    """By variant the main hashtag at the end of its chain: of a to b and b to c, a to c.

    Raises:
        ValueError: Variants lead to each other in a circle; the message names them.
    """
    ends: dict[str, str] = {}
    for variant in mains:
        path = [variant]
        while path[-1] in mains:
            path.append(mains[path[-1]])
            if path[-1] in path[:-1]:
                circle = " → ".join(path[path.index(path[-1]) :])
                raise ValueError(f"Variants lead to each other in a circle: {circle}. Decide which is the main one.")
        ends[variant] = path[-1]
    return ends


@dataclass
class _Uses:
    """Where each hashtag is used, and in which forms it is kept."""

    rows: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    forms: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def of(cls, posts: Sequence[Post]) -> _Uses:
        uses, keys = cls(), dict[str, str]()
        for row, post in enumerate(posts):
            for hashtag in post.hashtags:
                key = keys.get(hashtag) or keys.setdefault(hashtag, hashtag_key(hashtag))
                if key and uses.rows[key][-1:] != [row]:
                    uses.rows[key].append(row)
                uses.forms[key][hashtag] += 1
        return uses

    def kept(self) -> dict[str, str]:
        """By key the form that most posts have (ties by form)."""
        return {key: min(self.forms[key], key=lambda form: (-self.forms[key][form], form)) for key in self.rows}


class _Contexts:
    """What stands in posts beside a hashtag: terms and other hashtags, weighted by tf-idf."""

    def __init__(self, posts: Sequence[Post], rows: Collection[int], analyse: Analyser) -> None:
        self._terms: dict[int, frozenset[str]] = {}
        frequencies: Counter[str] = Counter()
        for row, post in enumerate(posts):
            terms = frozenset([*analyse(post.text), *(f"#{hashtag_key(hashtag)}" for hashtag in post.hashtags)])
            frequencies.update(terms)
            if row in rows:
                self._terms[row] = terms
        self._weights = {term: math.log(len(posts) / count) for term, count in frequencies.items()}

    def total(self, rows: Iterable[int], without: Collection[str]) -> dict[str, float]:
        """The sum of posts as vectors of length 1, without some terms."""
        total: dict[str, float] = defaultdict(float)
        for row in rows:
            terms = [(term, self._weights[term]) for term in sorted(self._terms[row] - set(without))]
            norm = math.sqrt(sum(weight * weight for _, weight in terms))
            for term, weight in terms if norm else ():
                total[term] += weight / norm
        return total


def _compared(
    single: str, plural: str, uses: _Uses, contexts: _Contexts, least_similarity: float, least_ratio: float
) -> Merge | None:
    both = set(uses.rows[single]) & set(uses.rows[plural])
    rows = [[row for row in uses.rows[key] if row not in both] or uses.rows[key] for key in (single, plural)]
    words = {word for key in (single, plural) for form in uses.forms[key] for word in form.split()}
    without = words | {single, plural, f"#{single}", f"#{plural}"}
    totals = [contexts.total(some, without) for some in rows]
    across = _dot(*totals)
    squares = [_dot(total, total) for total in totals]
    if across <= 0:
        return None
    similarity = across / math.sqrt(math.prod(squares))
    # Of posts of one hashtag to its others: what a post shares with itself is taken out.
    within = [
        max(0.0, square - len(some)) / max(1, len(some) * (len(some) - 1))
        for square, some in zip(squares, rows, strict=True)
    ]
    ratio_holds = across / math.prod(map(len, rows)) >= least_ratio * math.sqrt(math.prod(within))
    if similarity < least_similarity or not ratio_holds:
        return None
    counts = {key: len(uses.rows[key]) for key in (single, plural)}
    main, variant = sorted((single, plural), key=lambda key: (-counts[key], len(key), key))
    return Merge(variant, main, counts[variant], counts[main], round(similarity, 3))


def _dot(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    if len(a) > len(b):
        a, b = b, a
    return sum(value * b[term] for term, value in a.items() if term in b)
