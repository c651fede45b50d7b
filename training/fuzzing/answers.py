"""What must hold of the recommendations for any post."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from right_hf import Recommendation
from right_hf.safety import Safety
from right_hf.spelling.platforms import postable
from right_hf.text.hashtags import hashtag_key
from right_hf.vocabulary import Vocabulary

_ALLOWED = ("data science", "ai", "DevOps", "C++", "机器学习", "موسيقى", "news", "music", "love", "machine-learning")
#: What somebody may ask for, in turn; the first is asked for most often.
PREFERENCES: tuple[dict[str, Any], ...] = (
    {},
    {"style": "common", "platform": "mastodon"},
    {"style": "pascal", "platform": "weibo", "include_present": True},
    {"style": "lower", "platform": "x", "diversity": 0.5},
    {"allowed": _ALLOWED, "style": "common"},
    {"preferred": ("data science", "gardening"), "blocked": ("news", "ai"), "platform": "bluesky"},
    {"min_count": 5, "platform": "instagram", "diversity": 1.0},
    {"include_present": True, "safety": None},
)


def problems(answer: Sequence[Recommendation], asked: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the recommendations for one post, in words."""
    keys = [hashtag_key(entry.hashtag) for entry in answer]
    scores = [entry.score for entry in answer]
    if len(set(keys)) < len(keys) or not all(keys):
        yield "a hashtag twice, or an empty one"
    if not all(0 <= score <= 1 for score in scores):
        yield "a score outside of [0, 1]"
    if not asked.get("diversity") and scores != sorted(scores, reverse=True):
        yield "scores that do not descend"
    for entry in answer:
        yield from _problems_of(entry, asked)
    try:
        json.dumps([asdict(entry) for entry in answer], ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        yield f"no JSON in UTF-8: {error}"


def _problems_of(entry: Recommendation, asked: dict[str, Any]) -> Iterator[str]:
    hashtag, platform = entry.hashtag, asked.get("platform")
    if postable(hashtag, platform) is None or not entry.posted:
        yield "a hashtag that cannot be posted"
    if entry.source in ("retrieved", "both") and not entry.evidence:
        yield f"source {entry.source} without evidence"
    if "safety" not in asked and Safety.default().blocks(hashtag):
        yield "a hashtag of the safety list"
    if "allowed" in asked and hashtag not in Vocabulary.of(asked["allowed"]):
        yield "a hashtag that is not allowed"
    if "blocked" in asked and hashtag in Vocabulary.of(asked["blocked"]):
        yield "a blocked hashtag"
    if entry.present and not asked.get("include_present"):
        yield "a hashtag that the post has"
