from __future__ import annotations

import json
import logging
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf.posts import Post
from right_hf.retriever.journal import Journal, decode_change, encode_change, replay

strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
posts = st.builds(
    Post, strings, strings, st.lists(strings, max_size=3).map(tuple), *[st.none() | strings for _ in range(3)]
)

FULL = Post("1", "a\n“b” 你好", ("x", "y z"), "2020-01-01T00:00:00Z", "MIT", "0a1b")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three changes."""
    journal = Journal(tmp_path / "journal.jsonl")
    for added, removed in (([FULL, Post("2", "")], []), ([Post("2", "new")], ["2"]), ([], ["1", "3"])):
        journal.append(encode_change(added, removed))
    journal.close()
    return journal.path


OUTCOME = {"1": None, "2": Post("2", "new"), "3": None}


@settings(max_examples=50)
@given(st.lists(posts, max_size=3), st.lists(strings, max_size=3))
def test_round_trip(added: list[Post], removed: list[str]) -> None:
    line = encode_change(added, removed)
    assert decode_change(line) == (added, removed)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert json.loads(line).keys() == {"crc32", "change"}


@settings(max_examples=50)
@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    line = encode_change([FULL], ["2"])
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[at]))
    assert decode_change(line[:at] + bytes([byte]) + line[at + 1 :]) is None
    assert decode_change(line[:at]) is None


def test_replay_tells_what_became_of_each_post(path: Path) -> None:
    assert replay(path) == (OUTCOME, path.stat().st_size)
    assert replay(path.with_name("none")) == ({}, 0)


def test_a_torn_last_line_is_dropped_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = path.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    for size in range(second, len(whole)):
        caplog.clear()
        path.write_bytes(whole[:size])
        outcome, good = replay(path)
        assert (outcome["1"], outcome["2"], good) == (FULL, Post("2", "new"), second)
        assert [record.levelno for record in caplog.records] == [logging.WARNING] * (size > second)


def test_damage_in_the_middle_is_an_error(path: Path) -> None:
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, rest[0].replace(b"new", b"old"), *rest[1:]]))
    with pytest.raises(ValueError, match=r"journal\.jsonl, line 2 is damaged.*Restore the file"):
        replay(path)


def test_a_change_of_a_later_version_is_not_taken_for_a_torn_line(path: Path) -> None:
    line = encode_change([Post("4", "text")], [])
    change = b'{"remove":[],"add":[{"id":"4","text":"text","hashtags":[],"mood":"new"}]}'
    start = line.index(b'"change":') + len(b'"change":')
    later = line[:start].replace(line[10:18], f"{zlib.crc32(change):08x}".encode()) + change + b"}\n"
    with path.open("ab") as file:
        file.write(later)
    with pytest.raises(ValueError, match="no change that this version"):
        replay(path)


def test_truncating_makes_room_for_the_next_change(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b'{"crc32":"')
    journal = Journal(path)
    journal.truncate(replay(path)[1])
    journal.append(encode_change([], ["2"]))
    assert replay(path)[0] == {**OUTCOME, "2": None}
    journal.close()


def test_a_line_that_does_not_fit_on_the_disk_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    before = path.read_bytes()

    class FullDisk:
        def __init__(self) -> None:
            self.file = journal._file

        def write(self, line: bytes) -> int:
            return self.file.write(line[:10])

        def fileno(self) -> int:
            return self.file.fileno()

    monkeypatch.setattr(journal, "_file", FullDisk())
    with pytest.raises(OSError, match="could not be written in full"):
        journal.append(encode_change([FULL], []))
    assert path.read_bytes() == before
