"""Suggestions as the page shows them: each with its score and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, Template

from right_hf.corpus import Corpus
from right_hf.ranker.records import Recommendation

#: Posts that are shown for a suggestion.
_EVIDENCE = 3


def render(found: Sequence[Recommendation], corpus: Corpus, empty: str = "") -> str:
    """The suggestions as HTML; whatever comes from posts is escaped.

    Args:
        found: Best first.
        corpus: Holds the posts that support them.
        empty: What is said where there are none.
    """
    rows = [
        {
            "posted": one.posted,
            "percent": max(1, round(100 * one.score)),
            "source": one.source,
            "evidence": [post for each in one.evidence[:_EVIDENCE] if (post := corpus.get(each)) is not None],
        }
        for one in found
    ]
    return _template().render(suggestions=rows, empty=empty)


@cache
def _template() -> Template:
    text = (Path(__file__).parent / "suggestions.jinja").read_text(encoding="utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
