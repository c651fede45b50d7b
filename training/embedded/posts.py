"""The posts of an embedded checkpoint: from several sources those that may be passed on, in splits, without leaks.

A recipe's section `sources` names the files, as paths in the folder of the data:

    base: tweets-en                    # folder with splits; of each, the posts under the recipe's licences
    owners: [crisislex-, …]            # how the sources of the base begin whose licence is their collector's own
    more: licensed-more.jsonl          # further posts, to be split here, with `kind` and `basis`
    relicensed: relicense-en.jsonl     # posts of the base whose licence stands elsewhere: `id`, `license`, `basis`
    judged: everyday-en/judged.jsonl   # posts to be judged with, which nothing may be trained on
    surfaces: surfaces-en.jsonl        # how often hashtags are used, see `data_report.spelling_counts`
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_report.leaks import OverlapIndex

from right_hf.analysis import Analyser
from right_hf.data import SPLITS
from right_hf.posts import Post, parse_post
from right_hf.retriever.duplicates import NEAR_DUPLICATE_OVERLAP
from right_hf.text.hashtags import hashtag_key

#: Of undated posts so many go into validation, and as many into test.
_SHARE = 0.05
#: The kind of posts whose tags authors and catalogues gave: they count only where people post them as hashtags, too.
_TAGS = "tags"
_TRAIN, _VALIDATION, _TEST = SPLITS

#: The section of a recipe that names them.
SECTION = "sources"

Line = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where the posts come from; see the module's text."""

    base: str
    owners: Sequence[str] = ()
    more: str | None = None
    relicensed: str | None = None
    judged: str | None = None
    surfaces: str | None = None


def assemble(data: Path, sources: Sources, licenses: Collection[str], analyse: Analyser) -> dict[str, list[Post]]:
    """The posts under some licences, in splits.

    Dated posts are split where the base was, so that all of training is before validation and that before test; the
    others are drawn by a hash of their ids. Of training and validation, posts are left out whose text is nearly that of
    a test or judged post, of training also those near posts of validation. A hashtag that is written in two ways is
    kept as most posts have it.

    Args:
        data: The folder in which the sources lie.
        sources: Their names.
        licenses: SPDX names.
        analyse: Cuts a post into the terms by which near duplicates are found.

    Raises:
        FileNotFoundError: A source is missing.
        ValueError: A line is no post, or the base has no dated posts to split others by.
    """
    base = {split: _lines(data / sources.base / f"{split}.jsonl") for split in SPLITS}
    everything = [parse_post(line) for line in base[_TEST]]
    relicensed = {line["id"]: line for line in _lines(data, sources.relicensed)}
    splits = {split: [_with_basis(line, relicensed, sources.owners) for line in lines] for split, lines in base.items()}
    if sources.more:
        begins = {split: _first(lines) for split, lines in base.items()}
        for line in _as_people_post(_lines(data, sources.more), base):
            splits[_split(line, begins)].append(line)
    posts = {
        split: [parse_post(line) for line in lines if line["license"] in licenses] for split, lines in splits.items()
    }
    held = [*everything, *posts[_TEST], *(parse_post(line) for line in _lines(data, sources.judged))]
    posts[_VALIDATION] = _apart(posts[_VALIDATION], held, analyse)
    posts[_TRAIN] = _apart(posts[_TRAIN], [*held, *posts[_VALIDATION]], analyse)
    return _in_one_form(posts)


def _lines(folder: Path, name: str | None = "") -> list[Line]:
    """The objects of a JSONL file; none where no file is named. Judged posts and others that lack a field have None."""
    if name is None:
        return []
    path = folder / name
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{"created_at": None, "license": None, **line} for line in lines]


def _with_basis(line: Line, relicensed: Mapping[str, Line], owners: Sequence[str]) -> Line:
    """A line of the base with its licence, where another source states it, and who does."""
    if line["license"] is None and (stated := relicensed.get(line["id"])):
        return {**line, "license": stated["license"], "basis": stated.get("basis", "repository")}
    owned = line.get("source", "").startswith(tuple(owners))
    return {**line, "basis": "owner" if owned else "repository"} if line["license"] else line


def _first(lines: Iterable[Line]) -> str:
    """When the earliest dated post was written."""
    return str(min(line["created_at"] for line in lines if line["created_at"]))


def _split(line: Line, begins: Mapping[str, str]) -> str:
    """The split of a further post: by its time or, where it has none, by a hash of its id."""
    if line["created_at"]:
        return next(split for split in reversed(SPLITS) if split == _TRAIN or line["created_at"] >= begins[split])
    drawn = int(hashlib.sha256(line["id"].encode()).hexdigest()[:8], 16) / 2**32
    return _VALIDATION if drawn < _SHARE else _TEST if drawn < 2 * _SHARE else _TRAIN


def _as_people_post(lines: Sequence[Line], base: Mapping[str, Sequence[Line]]) -> list[Line]:
    """The lines, with those tags of authors and catalogues alone that other posts have as hashtags."""
    posted = [*(line for line in lines if line.get("kind") != _TAGS), *base[_TRAIN]]
    used = {hashtag_key(tag) for line in posted for tag in line["hashtags"]}
    kept = [
        {**line, "hashtags": [tag for tag in line["hashtags"] if hashtag_key(tag) in used]}
        if line.get("kind") == _TAGS
        else line
        for line in lines
    ]
    return [line for line in kept if line["hashtags"]]


def _apart(posts: Sequence[Post], others: Sequence[Post], analyse: Analyser) -> list[Post]:
    """The posts without near duplicates of others."""
    index, texts = OverlapIndex(others, analyse, NEAR_DUPLICATE_OVERLAP), {post.text for post in others}
    return [post for post in posts if post.text not in texts and index.nearest(post) is None]


def _in_one_form(splits: Mapping[str, Sequence[Post]]) -> dict[str, list[Post]]:
    """The posts with each hashtag in the form that most posts have; ties go to the one of more words."""
    forms: dict[str, Counter[str]] = {}
    for tag in (tag for split in SPLITS for post in splits[split] for tag in post.hashtags):
        forms.setdefault(hashtag_key(tag), Counter())[tag] += 1
    form = {key: max(uses, key=lambda tag: (uses[tag], tag.count(" "), tag)) for key, uses in forms.items()}
    return {
        split: [replace(post, hashtags=tuple(form[hashtag_key(tag)] for tag in post.hashtags)) for post in posts]
        for split, posts in splits.items()
    }
