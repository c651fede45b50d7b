"""A case study like the paper's Table 5, of posts that a rule and a seed choose."""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from right_hf.evaluation import Answer
from right_hf.metrics import matches_at_k
from right_hf.posts import Post

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&])")
_K = 5


class Case(NamedTuple):
    """A chosen post.

    Attributes:
        row: Its place among the posts.
        outcome: What distinguishes it.
        posts: How many of the posts are of this outcome.
    """

    row: int
    outcome: str
    posts: int


def choose_cases(
    posts: Sequence[Post],
    system: Sequence[Answer],
    baseline: Sequence[Answer],
    seed: int,
    licenses: Collection[str] | None = None,
) -> list[Case]:
    """Draws one post of each outcome: the system has more, as many (at least one), or fewer gold hashtags in its top 5.

    Args:
        posts: Posts of the split.
        system: A system's answers to them.
        baseline: A baseline's answers to them.
        seed: Seed of the draws.
        licenses: If given, only posts under one of them are drawn; all are counted.

    Returns:
        Up to three cases; an outcome without a post to draw is left out.

    Raises:
        ValueError: There are not as many answers as posts.
    """
    if not len(posts) == len(system) == len(baseline):
        raise ValueError(f"Got {len(posts)} posts, {len(system)} and {len(baseline)} answers; expected one a post.")
    rng = random.Random(seed)
    outcomes: dict[str, list[int]] = {"more": [], "as many": [], "fewer": []}
    for row, post in enumerate(posts):
        ours, theirs = (matches_at_k(answers[row].ranking, post.hashtags, _K) for answers in (system, baseline))
        if ours or theirs:
            outcomes["more" if ours > theirs else "fewer" if ours < theirs else "as many"].append(row)
    cases = []
    for outcome, rows in outcomes.items():
        eligible = [row for row in rows if licenses is None or posts[row].license in licenses]
        if eligible:
            cases.append(Case(rng.choice(eligible), outcome, len(rows)))
    return cases


def case_study(
    posts: Sequence[Post],
    retrieved: Sequence[Sequence[str]],
    selected: Sequence[Sequence[str]],
    answers: Mapping[str, Sequence[Answer]],
    system: str,
    baseline: str,
    seed: int,
    licenses: Collection[str] | None = None,
) -> str:
    """The case study as Markdown, gold hashtags in bold; the rule by which the posts were drawn stands above it.

    Of each answer the ranking is shown, since its gold hashtags are what the rule counts.

    Args:
        posts: Posts of the split.
        retrieved: For each the distinct hashtags of its retrieved posts, those of the most similar post first.
        selected: For each the hashtags that the selector hands to the generator.
        answers: Answers of every system shown.
        system: Name of the system that is compared.
        baseline: Name of the one it is compared with.
        seed: Seed of the draws.
        licenses: If given, only posts under one of them are shown.
    """
    cases = choose_cases(posts, answers[system], answers[baseline], seed, licenses)
    rule = (
        f"Of {len(posts):,} posts one of each outcome is drawn with seed {seed}: {system} has more, as many or fewer "
        f"gold hashtags among its first {_K} than {baseline}. Posts where neither has any are left out."
    )
    if licenses is not None:
        rule += f" Only posts under {', '.join(sorted(licenses))} are drawn."
    blocks = [rule]
    for row, outcome, count in cases:
        post = posts[row]
        lists = {"retrieved": retrieved[row], "selected": selected[row]}
        lists |= {name: found[row].ranking[:_K] for name, found in answers.items()}
        lines = [
            f"| {_escape(system)} has | {outcome} ({count:,} posts) |",
            "|---|---|",
            f"| post | {_escape(post.text)} |",
            f"| gold | {_listed(post.hashtags, post.hashtags)} |",
        ]
        lines += [f"| {_escape(name)} | {_listed(hashtags, post.hashtags)} |" for name, hashtags in lists.items()]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _escape(text: str) -> str:
    """A text that Markdown shows as it is, in one table cell."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _listed(hashtags: Sequence[str], gold: Collection[str]) -> str:
    shown = [f"**{_escape(hashtag)}**" if hashtag in gold else _escape(hashtag) for hashtag in hashtags]
    return "; ".join(shown) or "(none)"
