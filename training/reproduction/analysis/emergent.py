"""Emergent hashtags: of posts that come in order of time, which gold hashtags did training know, and which are new?

A system recommends for each post before the post joins the corpus. So a hashtag's first use in the stream can only be
written or copied from the text; from the second on a living corpus may know it, a static one never does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from reproduction.analysis.significance import mean_over_seeds, resampled_sums
from right_hf.metrics import PerPost, f1_per_post, matches_at_k
from right_hf.posts import Post
from right_hf.times import seconds

#: Kinds of gold hashtags: known to training, or new to it and carried by so many earlier posts of the stream.
SEEN, FIRST_USE, FEW_USES, MANY_USES = "seen", "first use", "1 to 4 earlier uses", "5 or more earlier uses"
_FEW = 4
#: Kinds that are scored together, by the name of the stratum.
SEEN_STRATUM, EMERGENT_STRATUM = "seen in training", "never seen in training"
STRATA: dict[str, frozenset[str]] = {
    SEEN_STRATUM: frozenset({SEEN}),
    EMERGENT_STRATUM: frozenset({FIRST_USE, FEW_USES, MANY_USES}),
    f"{EMERGENT_STRATUM}, {FIRST_USE}": frozenset({FIRST_USE}),
    f"{EMERGENT_STRATUM}, {FEW_USES}": frozenset({FEW_USES}),
    f"{EMERGENT_STRATUM}, {MANY_USES}": frozenset({MANY_USES}),
}
#: What is measured in each stratum.
RECALL_AT_5, F1_AT_1 = "recall@5", "f1@1"
_CONFIDENCE = 0.95


def in_order_of_time(posts: Sequence[Post]) -> list[Post]:
    """The posts that tell their time and have text, by (time, id); the others cannot be put into a stream."""
    dated = [(time, post.id, post) for post in posts if post.text and (time := seconds(post.created_at)) is not None]
    return [post for *_, post in sorted(dated, key=lambda entry: entry[:2])]


def gold_kinds(stream: Sequence[Post], training_hashtags: Collection[str]) -> list[dict[str, str]]:
    """The kind of each gold hashtag of each post.

    Args:
        stream: Posts in order of time.
        training_hashtags: The hashtags of the training posts.

    Returns:
        For each post `{hashtag: kind}`: [`SEEN`] if a training post carries it, else by the number of earlier posts of
        the stream that do (none, 1 to 4, 5 or more).
    """
    known = frozenset(training_hashtags)
    uses: Counter[str] = Counter()
    kinds: list[dict[str, str]] = []
    for post in stream:
        kinds.append({hashtag: SEEN if hashtag in known else _kind(uses[hashtag]) for hashtag in post.hashtags})
        uses.update(set(post.hashtags))
    return kinds


def _kind(earlier: int) -> str:
    return FIRST_USE if not earlier else FEW_USES if earlier <= _FEW else MANY_USES


class GoldOf(NamedTuple):
    """The gold hashtags of some kinds, and the posts that have any.

    Attributes:
        rows: (n,) the places of these posts in the stream.
        gold: For each of them its gold hashtags of these kinds.
    """

    rows: npt.NDArray[np.int64]
    gold: list[list[str]]


def gold_of(kinds: Sequence[Mapping[str, str]], wanted: Collection[str]) -> GoldOf:
    """The gold hashtags whose kind is among the wanted ones."""
    gold = [[hashtag for hashtag, kind in found.items() if kind in wanted] for found in kinds]
    rows = [row for row, found in enumerate(gold) if found]
    return GoldOf(np.asarray(rows, np.int64), [gold[row] for row in rows])


def recall_per_post(rankings: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], k: int) -> PerPost:
    """Micro recall@k as sums: gold hashtags among the first k of each ranking / gold hashtags.

    Every use of a hashtag as gold counts, so frequent hashtags weigh as much as they are used.
    """
    pairs = zip(rankings, gold, strict=True)
    matches = [matches_at_k(ranking, wanted, k) for ranking, wanted in pairs]
    return PerPost(np.array(matches, float), np.array([len(set(wanted)) for wanted in gold], float))


def stratum_statistics(rankings: Sequence[Sequence[str]], stratum: GoldOf) -> dict[str, PerPost]:
    """Recall@5 and F1@1 of a system over the gold hashtags of a stratum.

    Both look at the whole ranking of a post but only at the posts that have gold of the stratum, and count only that
    gold: a first hashtag that is gold of another stratum counts as an error here, for every system alike. So
    F1@1 = 2 matches / (posts with such gold + such gold), the paper's micro F1@1 where other gold is not known.

    Args:
        rankings: For every post of the stream the system's hashtags, best first.
        stratum: Posts and gold, at least one.
    """
    shown = [rankings[row] for row in stratum.rows]
    return {RECALL_AT_5: recall_per_post(shown, stratum.gold, 5), F1_AT_1: f1_per_post(shown, stratum.gold, 1)}


class Share(NamedTuple):
    """One recall as a share of another.

    Attributes:
        share: recall of emergent hashtags / recall of seen ones.
        low: Lower end of its 95 % percentile interval over posts drawn with replacement.
        high: Its upper end.
    """

    share: float
    low: float
    high: float


def recall_share(
    runs: Sequence[Sequence[Sequence[str]]], kinds: Sequence[Mapping[str, str]], samples: int = 2_000, seed: int = 0
) -> Share:
    """The recall@5 of gold never seen in training as a share of that of gold seen in training, by one system.

    Args:
        runs: Of each seed's run, for every post of the stream the system's hashtags, best first.
        kinds: Kinds of its gold, see [`gold_kinds`].
        samples: Number of draws for the interval; each draws whole posts, with all their gold.
        seed: Seed of the draws.

    Raises:
        ValueError: There is no gold of one of the two, or none of the seen gold is found.
    """
    columns = np.zeros((len(kinds), 4))
    for place, name in enumerate((EMERGENT_STRATUM, SEEN_STRATUM)):
        stratum = gold_of(kinds, STRATA[name])
        if len(stratum.rows):
            statistics = [stratum_statistics(rankings, stratum)[RECALL_AT_5] for rankings in runs]
            columns[stratum.rows, 2 * place : 2 * place + 2] = np.stack(mean_over_seeds(statistics), axis=1)
    found, gold, found_seen, gold_seen = columns.sum(axis=0).tolist()
    if not (gold and found_seen):
        raise ValueError(
            f"Of {gold_seen:g} gold hashtags seen in training {found_seen:g} are found, and {gold:g} were never seen: "
            "a share of recalls needs some of each. Give a longer stream."
        )
    sums = resampled_sums(columns, samples, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = sums[:, 0] * sums[:, 3] / (sums[:, 1] * sums[:, 2])
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.nanquantile(shares, (tail, 1 - tail)).tolist()
    return Share(found * gold_seen / (gold * found_seen), low, high)


def time_bins(length: int, bins: int) -> list[tuple[int, int]]:
    """Cuts a stream into consecutive pieces of about as many posts each: (first, last + 1) of each, none empty.

    Raises:
        ValueError: `bins` is below 1.
    """
    if bins < 1:
        raise ValueError(f"A stream is cut into at least 1 piece, got {bins}.")
    edges = [round(number * length / bins) for number in range(bins + 1)]
    return [(first, last) for first, last in pairwise(edges) if last > first]
