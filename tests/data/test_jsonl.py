"""Posts as lines of JSON, the format that all others are brought into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from right_hf.data import read_posts
from right_hf.data.lines import content_id
from right_hf.posts import Post


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "posts.jsonl"
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines))
    return path


def record(**fields: Any) -> dict[str, Any]:
    return {"id": "p1", "text": "a post", "hashtags": ["tag"], **fields}


def test_read_posts(tmp_path: Path) -> None:
    first = record(text="Tom &amp; @Ann\x00", hashtags=["#Dev  Ops", "dev ops", "#", "Cloud"], created_at="2020-01-01")
    path = write(tmp_path, first, b"  ", record(id="p2", hashtags=[], license="MIT", unknown=1))
    assert read_posts(path) == [
        Post("p1", "Tom & @user", ("dev ops", "cloud"), created_at="2020-01-01"),
        Post("p2", "a post", (), license="MIT"),
    ]
    assert [post.id for post in read_posts(path, licenses=["MIT"])] == ["p2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Expecting property name"),
        (b'{"id": "p2", "text": "\xff"}', "can't decode byte 0xff"),
        ([1], "expected a JSON object, got list"),
        (record(id=7), '"id" must be a str, got 7'),
        (record(id="p\ud800"), "surrogates not allowed"),
        ({"id": "p2", "hashtags": []}, '"text" must be a str, got None'),
        (record(hashtags="tag"), '"hashtags" must be a list'),
        (record(hashtags=["tag", None]), '"hashtags" must hold strings only'),
        (record(created_at=1577836800), '"created_at" must be a str or null, got 1577836800'),
        (record(license=["MIT"]), '"license" must be a str or null'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Any, reason: str) -> None:
    path = write(tmp_path, record(), line)
    with pytest.raises(ValueError, match=r"posts\.jsonl, line 2: ") as caught:
        read_posts(path)
    assert reason in str(caught.value)
    assert str(caught.value).endswith("Correct or remove the line.")


def test_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No file or folder .*nowhere\.jsonl"):
        read_posts(tmp_path / "nowhere.jsonl")
    with pytest.raises(ValueError, match=r"posts\.jsonl holds no posts"):
        read_posts(write(tmp_path))
    with pytest.raises(ValueError, match=r"no posts under one of the licences \['MIT'\]"):
        read_posts(write(tmp_path, record()), licenses={"MIT"})
    with pytest.raises(ValueError, match=r"posts\.jsonl: the id 'p1' occurs twice"):
        read_posts(write(tmp_path, record(), record()))


def test_posts_without_ids_are_given_them(tmp_path: Path) -> None:
    lines = ['{"text": "a", "hashtags": ["x"]}', '{"id": "1", "text": "a", "hashtags": ["x"]}'] * 2
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join([*lines[:3], '{"text": "b", "hashtags": ["x"]}']))
    posts = read_posts(path)
    assert [post.id for post in posts] == [content_id(posts[0]), "1", content_id(posts[2])]
    assert [post.text for post in posts] == ["a", "a", "b"], "one that says the same without an id is left out"
