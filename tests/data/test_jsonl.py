"""Posts as lines of JSON, the format that all others are brought into."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from right_hf.data import DatasetOptions, load_splits, read_posts
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
        Post("p1", "Tom & @user", ("dev ops", "cloud"), "2020-01-01T00:00:00Z", spellings=("", "Cloud")),
        Post("p2", "a post", (), license="MIT"),
    ]
    assert [post.id for post in read_posts(path, licenses=["MIT"])] == ["p2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Expecting property name"),
        (b'{"id": "p2", "text": "\xff"}', "can't decode byte 0xff"),
        ([1], "expected a JSON object, got list"),
        (record(id=7.5), '"id" must be a str, got 7.5'),
        (record(id=True), '"id" must be a str, got True'),
        (b"[" * 100_000, "nested too deep"),
        (record(text=None), '"text" must be a str, got None'),
        (record(id="p\ud800"), "lone surrogate"),
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


def test_ids_that_are_whole_numbers_become_strings(tmp_path: Path) -> None:
    path = write(tmp_path, record(id=7), record(id="8"))
    assert [post.id for post in read_posts(path)] == ["7", "8"]
    with pytest.raises(ValueError, match="the id '7' occurs twice"):
        read_posts(write(tmp_path, record(id=7), record(id="7")))


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("compressed", [False, True])
def test_other_codings_and_gzip_are_read(tmp_path: Path, coding: str, compressed: bool) -> None:
    content = '{"text": "天气很好", "hashtags": ["天气"]}\n'.encode(coding)
    path = tmp_path / ("train.jsonl.gz" if compressed else "train.jsonl")
    path.write_bytes(gzip.compress(content) if compressed else content)
    [post] = read_posts(path)
    assert (post.text, post.hashtags) == ("天气很好", ("天气",))
    assert load_splits(tmp_path) == {"train": [post]}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_stream_is_read_as_json_lines(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = json.dumps(record())
    writer = threading.Thread(target=lambda: pipe.write_text(content))
    writer.start()
    assert [post.id for post in read_posts(pipe)] == ["p1"]
    writer.join()
    with pytest.raises(ValueError, match="its columns cannot be chosen"):
        load_splits(pipe, options=DatasetOptions(text="body"))


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(record()).encode())[:-9])
    with pytest.raises(ValueError, match=r"posts\.jsonl\.gz, line 1: the compressed data is damaged"):
        read_posts(path)


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path, record())
    assert len(read_posts("~/posts.jsonl")) == 1


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
