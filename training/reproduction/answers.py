"""The files that keep what systems say about posts."""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from right_hf.evaluation import Answer
from right_hf.persistence import atomic_file
from right_hf.posts import Post


def write_answers(path: str | Path, posts: Sequence[Post], answers: Sequence[Answer]) -> None:
    """Writes a system's answers as JSONL, one line a post with `id`, `ranking` and `sequence`, whole or not at all.

    Raises:
        ValueError: There are not as many answers as posts.
    """
    if len(answers) != len(posts):
        raise ValueError(f"Got {len(answers)} answers to {len(posts)} posts; expected one a post, in the same order.")
    with atomic_file(path) as scratch, scratch.open("w", encoding="utf-8") as lines:
        for post, answer in zip(posts, answers, strict=True):
            lines.write(json.dumps({"id": post.id, **answer._asdict()}, ensure_ascii=False) + "\n")


def read_answers(path: str | Path, posts: Sequence[Post]) -> list[Answer]:
    """Reads what [`write_answers`] wrote.

    Returns:
        One answer a post, in the order of `posts`, whatever the order of the lines.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is no such record (the message names file and line), an id occurs twice, or the ids are not
            those of `posts`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No answers at {path}. Run the system first; it writes them.")
    answers: dict[str, Answer] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                post_id, answer = _parse_answer(json.loads(line.decode()))
                if post_id in answers:
                    raise ValueError(f"the id {post_id!r} occurs twice")
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}. Remove the file and run the system again.") from None
            answers[post_id] = answer
    _check_ids(path, answers.keys(), {post.id for post in posts})
    return [answers[post.id] for post in posts]


def _parse_answer(record: Any) -> tuple[str, Answer]:
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        raise ValueError(f"expected an object with id, ranking and sequence, got {record!r:.80}")
    for field in Answer._fields:
        value = record.get(field)
        if not isinstance(value, list) or not all(isinstance(hashtag, str) for hashtag in value):
            raise ValueError(f'field "{field}" must be a list of strings, got {value!r:.80}')
    return record["id"], Answer(record["ranking"], record["sequence"])


def _check_ids(path: Path, answered: Set[str], wanted: Set[str]) -> None:
    missing, foreign = wanted - answered, answered - wanted
    if missing or foreign:
        raise ValueError(
            f"{path} answers other posts than the {len(wanted)} given: {len(missing)} of these are not in it and "
            f"{len(foreign)} in it are not of these, such as {min(missing or foreign)!r}. Give the posts the system "
            "was run on, or remove the file and run it again."
        )
