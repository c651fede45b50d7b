"""The report on a data set: statistics, coverage and leaks of its splits, as plain values and as Markdown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_report.leaks import Leak, find_leaks
from data_report.statistics import Coverage, SplitStatistics, coverage, guess_language, split_statistics
from right_hf.analysis import get_analyser
from right_hf.posts import Post

_ANALYSERS = {"en": "english", "zh": "chinese"}
_UNITS = {"en": "words", "zh": "characters"}


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


#: The rows of a table: attribute, title and notation. The first four are the paper's.
_STATISTICS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("posts", "T-H pairs", _number),
    ("hashtags_per_post", "AvgHashtags", "{:.2f}".format),
    ("post_length", "AvgTweetLen ({units})", _number),
    ("hashtag_length", "AvgHashtagLen ({units})", "{:.2f}".format),
    ("several_hashtags", "posts with 2 or more hashtags", _percent),
    ("different_hashtags", "different hashtags", _number),
    ("repeated_texts", "posts that repeat a text of the split", _number),
    ("dated", "posts with a time", _percent),
)
_COVERAGE: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("seen", "gold hashtags that occur in train", _percent),
    ("often", "gold hashtags that occur 5+ times in train", _percent),
    ("posts", "posts with a gold hashtag seen in train", _percent),
    ("in_text", "gold hashtags that stand in the text", _percent),
)


@dataclass(frozen=True)
class DataReport:
    """Statistics, coverage by the training posts (where there are any) and leaks of a data set's splits."""

    language: str
    statistics: dict[str, SplitStatistics]
    coverage: dict[str, Coverage]
    leaks: list[Leak]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return dataclasses.asdict(self)

    def markdown(self) -> str:
        """The report as Markdown tables."""
        units = _UNITS[self.language]
        parts = [_table("", list(self.statistics), _rows(_STATISTICS, self.statistics, units))]
        if self.coverage:
            parts.append(_table("", list(self.coverage), _rows(_COVERAGE, self.coverage, units)))
        if self.leaks:
            titles = ["exact", "near", "share", "examples"]
            parts.append(_table("posts of … that stand in …", titles, [_leak_row(leak) for leak in self.leaks]))
        return "\n\n".join(parts)


def describe(splits: Mapping[str, Sequence[Post]], language: str | None = None) -> DataReport:
    """Counts the splits and compares them with each other.

    Args:
        splits: Posts by the name of their split, in the order of [`load_splits`].
        language: `"en"` counts words, `"zh"` characters; None looks at the posts.

    Raises:
        ValueError: The language is unknown.
    """
    language = language or guess_language([post for posts in splits.values() for post in posts])
    if language not in _ANALYSERS:
        raise ValueError(f"Unknown language {language!r}. Known: {', '.join(_ANALYSERS)}.")
    train = splits.get("train")
    return DataReport(
        language,
        {name: split_statistics(posts, language) for name, posts in splits.items()},
        {} if train is None else {name: coverage(posts, train) for name, posts in splits.items()},
        find_leaks(splits, get_analyser(_ANALYSERS[language])),
    )


def _rows(
    entries: Sequence[tuple[str, str, Callable[[float], str]]], splits: Mapping[str, Any], units: str
) -> list[list[str]]:
    return [
        [title.format(units=units), *(notation(getattr(values, name)) for values in splits.values())]
        for name, title, notation in entries
    ]


def _leak_row(leak: Leak) -> list[str]:
    examples = "; ".join(f"{match.id} ~ {match.other_id} ({match.overlap:.2f})" for match in leak.examples)
    share = _percent((leak.exact + leak.near) / leak.posts) if leak.posts else "-"
    return [f"{leak.split} in {leak.other}", _number(leak.exact), _number(leak.near), share, examples or "-"]


def _table(corner: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = f"| {' | '.join([corner, *titles])} |"
    rule = f"|---|{'---:|' * len(titles)}"
    return "\n".join([head, rule, *(f"| {' | '.join(row)} |" for row in rows)])
