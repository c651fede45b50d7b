from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf.generator import AnswerStore
from right_hf.generator.chat_store import question_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "answers.jsonl"


def test_answers_are_there_again(path: Path) -> None:
    with AnswerStore(path) as store:
        store.add("a", "#one\n\ud800")
        store.add("b", "")
        assert path.read_bytes().count(b"\n") == 2  # on disk already
        store.add("a", "#two")
    with AnswerStore(path) as store:
        assert [store.get(key) for key in "abc"] == ["#two", "", None]
        assert len(store) == 2


def test_a_torn_line_is_dropped_and_overwritten(path: Path) -> None:
    with AnswerStore(path) as store:
        store.add("a", "#one")
        store.add("b", "#two")
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        with AnswerStore(path) as store:
            assert (store.get("a"), store.get("b")) == ("#one", None)
            store.add("b", "#two")
        assert path.read_bytes() == whole


def test_a_failed_write_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError("no space left")

    with AnswerStore(path) as store:
        store.add("a", "#one")
        with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
            patch.setattr(os, "fsync", full)
            store.add("b", "#two")
        assert store.get("b") is None
        store.add("c", "#three")
    with AnswerStore(path) as store:
        assert [store.get(key) for key in "abc"] == ["#one", None, "#three"]


@pytest.mark.parametrize("line", ["{}", "[]", "#cloud", '{"key": 1, "answer": "x"}', "\ufffd{"])
def test_another_file_is_left_as_it_is(path: Path, line: str) -> None:
    path.parent.mkdir()
    content = f'{{"key": "a", "answer": "b"}}\n{line}\nmore'.encode()
    path.write_bytes(content)
    with pytest.raises(ValueError, match="line 2: no answer"):
        AnswerStore(path)
    assert path.read_bytes() == content


def test_one_run_at_a_time(path: Path) -> None:
    pytest.importorskip("fcntl")
    with AnswerStore(path), pytest.raises(BlockingIOError, match="Another run uses"):
        AnswerStore(path)
    AnswerStore(path).close()


@settings(max_examples=15)
@given(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20)), st.binary(max_size=20).filter(lambda b: b"\n" not in b)
)
def test_any_answers_and_any_torn_line(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    with AnswerStore(path) as store:
        for key, answer in answers.items():
            store.add(key, answer)
    with path.open("ab") as file:
        file.write(torn)
    with AnswerStore(path) as store:
        assert {key: store.get(key) for key in answers} == answers
        store.add("last", "#x")
    assert json.loads(path.read_bytes().splitlines()[-1]) == {"key": "last", "answer": "#x"}


def test_a_key_tells_questions_apart() -> None:
    messages = [{"role": "user", "content": "x"}]
    keys = {
        question_key({"model": "a", "temperature": 0}, messages),
        question_key({"temperature": 0, "model": "a"}, messages),
        question_key({"model": "b", "temperature": 0}, messages),
        question_key({"model": "a", "temperature": 1}, messages),
        question_key({"model": "a", "temperature": 0}, [{"role": "user", "content": "y"}]),
        question_key({"model": "a", "temperature": 0}, [*messages, *messages]),
    }
    assert len(keys) == 5
