from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reproduction.answers import read_answers, write_answers

from right_hf.evaluation import Answer
from right_hf.posts import Post

POSTS = [Post("1", "x"), Post("2", "y")]
ANSWERS = [Answer(["a", "b"], ["a"]), Answer([], [])]

hashtag_lists = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3)


@settings(max_examples=40)
@given(st.lists(st.tuples(hashtag_lists, hashtag_lists), max_size=4))
def test_answers_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[str], list[str]]]
) -> None:
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    posts, answers = [Post(f"p\u2028{i}", "") for i in range(len(rows))], [Answer(*row) for row in rows]
    write_answers(path, posts, answers)
    assert read_answers(path, posts) == answers
    assert read_answers(path, posts[::-1]) == answers[::-1]  # found by id, in the order asked for


def test_one_line_a_post(tmp_path: Path) -> None:
    write_answers(tmp_path / "new" / "a.jsonl", POSTS, ANSWERS)
    first, second = (tmp_path / "new" / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert first == '{"id": "1", "ranking": ["a", "b"], "sequence": ["a"]}'
    assert second == '{"id": "2", "ranking": [], "sequence": []}'


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_answers(path, POSTS, ANSWERS)
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        write_answers(path, POSTS, [ANSWERS[0], Answer(["\ud800"], [])])
    with pytest.raises(ValueError, match="1 answers to 2 posts"):
        write_answers(path, POSTS, ANSWERS[:1])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(IsADirectoryError, match="expected the name of a file"):
        write_answers(tmp_path, POSTS, ANSWERS)


def test_answers_to_other_posts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_answers(path, POSTS, ANSWERS)
    with pytest.raises(ValueError, match="3 given: 1 of these are not in it and 0 in it are not of these, such as '3'"):
        read_answers(path, [*POSTS, Post("3", "z")])
    with pytest.raises(ValueError, match="1 given: 0 of these are not in it and 1 in it are not of these, such as '2'"):
        read_answers(path, POSTS[:1])
    with pytest.raises(FileNotFoundError, match="Run the system first"):
        read_answers(tmp_path / "b.jsonl", POSTS)


GOOD = '{"id": "1", "ranking": [], "sequence": []}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2"),
        ("", "line 2"),
        ("[]", "line 2: expected an object with id"),
        ('{"ranking": [], "sequence": []}', "line 2: expected an object with id"),
        ('{"id": "2", "ranking": "a", "sequence": []}', 'line 2: field "ranking" must be a list of strings'),
        ('{"id": "2", "ranking": [], "sequence": [1]}', 'line 2: field "sequence" must be a list of strings'),
        (GOOD, "line 2: the id '1' occurs twice"),
        ('{"id": "2", "ranking": ["a', "line 2"),  # cut off
    ],
)
def test_damaged_lines_are_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_answers(path, POSTS)
