from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import stop_after_delay

from right_hf.generator import AnswerStore, chat_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "answers.sqlite"


def test_answers_are_there_again(path: Path) -> None:
    with AnswerStore(path) as store:
        store.add("a", "#one\n\ud800")
        store.add("b", "")
        store.add("a", "#two\ud800")
        assert [store.get(key) for key in "abc"] == ["#two\ud800", "", None]
    with AnswerStore(path) as store:
        assert [store.get(key) for key in "abc"] == ["#two\ud800", "", None]
        assert len(store) == 2
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing is left beside it"


KILLED = """
    import os, sys
    from right_hf.generator import AnswerStore

    store = AnswerStore(sys.argv[1])
    store.add("a", "#one")
    store.add("b", "#two")
    os._exit(9)
"""


def test_an_answer_outlives_its_process(path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(path)]).returncode == 9
    with AnswerStore(path) as store:
        assert [store.get(key) for key in "ab"] == ["#one", "#two"]


@pytest.mark.parametrize("kept", [1, 2])
def test_of_a_torn_write_nothing_is_seen(path: Path, kept: int) -> None:
    """A power cut within a write leaves a prefix of the log behind: whole answers are kept, half a one is dropped."""
    sizes = []
    with AnswerStore(path) as store:
        log = path.with_name(path.name + "-wal")
        for key in "abc":
            store.add(key, f"#{key}" * 1000)
            sizes.append(log.stat().st_size)
        whole = log.read_bytes()
        copies = {cut: path.with_name(f"{cut}.sqlite") for cut in range(sizes[kept - 1], sizes[kept], 997)}
        for cut, copy in copies.items():
            copy.write_bytes(path.read_bytes())
            copy.with_name(copy.name + "-wal").write_bytes(whole[:cut])
    assert len(copies) > 3
    for copy in copies.values():
        with AnswerStore(copy) as store:
            assert [store.get(key) is not None for key in "abc"] == [place < kept for place in range(3)]
            store.add("d", "#d")
            assert store.get("d") == "#d"


def test_a_full_disk_leaves_no_half_answer(path: Path) -> None:
    with AnswerStore(path) as store:
        store.add("a", "#one")
        [(pages,)] = store._file.execute("PRAGMA page_count")
        store._file.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError, match="disk is full"):
            store.add("b", "#two" * 10_000)
        assert [store.get(key) for key in "ab"] == ["#one", None]
        store.add("c", "#three")
    with AnswerStore(path) as store:
        assert [store.get(key) for key in "abc"] == ["#one", None, "#three"]


def test_no_power_cut_damages_it(path: Path) -> None:
    with AnswerStore(path) as store:
        assert store._file.execute("PRAGMA synchronous").fetchone() == (1,)  # of a log, the last answers may be lost
        assert store._file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert not store._file.in_transaction


@pytest.mark.parametrize("content", [b'{"key": "a", "answer": "b"}\n', b"#cloud" * 500, b"\xff" * 20])
def test_another_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"holds no answers.*Choose another file.*store\.add\(\*\*json\.loads\(line\)"):
        AnswerStore(path)
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_database_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE posts (id)")
    other.close()
    content = path.read_bytes()
    with pytest.raises(ValueError, match="its tables are posts"):
        AnswerStore(path)
    assert path.read_bytes() == content


def test_what_the_error_says_takes_old_answers_over(path: Path) -> None:
    lines = ['{"key": "a", "answer": "#one\\n\\ud800"}', '{"key": "b", "answer": ""}']
    with AnswerStore(path) as store:
        for line in lines:
            store.add(**json.loads(line))
        assert (store.get("a"), store.get("b")) == ("#one\n\ud800", "")


def test_copies_share_the_file(path: Path) -> None:
    with AnswerStore(path) as store, pickle.loads(pickle.dumps(store)) as again, copy.deepcopy(store) as third:
        store.add("a", "#one")
        again.add("b", "#two")
        assert [one.get(key) for one in (store, again, third) for key in "ab"] == ["#one", "#two"] * 3
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def open_new(path: Path) -> int:
    with AnswerStore(path) as store:
        store.add(str(os.getpid()), "#one")
        return len(store)


@pytest.mark.timeout(60)
def test_several_processes_may_open_a_new_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(8) as pool:
        for number in range(10):
            found = pool.map(open_new, [tmp_path / str(number)] * 8, chunksize=1)
            assert 1 <= max(found) <= 8


def test_a_file_that_another_program_holds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("right_hf.generator.chat_store._PATIENCE", 0.1)
    monkeypatch.setitem(chat_store._WAITING, "stop", stop_after_delay(0.1))
    AnswerStore(path).close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("INSERT INTO answers VALUES ('a', 'b')")
        with pytest.raises(BlockingIOError, match=r"is locked by another program\. End it, or choose another file"):
            AnswerStore(path)
    other.close()


def add_many(store: AnswerStore, first: int) -> int:
    for number in range(first, first + 100):
        store.add(str(number), f"#{number}")
    return sum(store.get(str(number)) == f"#{number}" for number in range(first, first + 100))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_processes_share_the_file(path: Path, start: str) -> None:
    """Their ranges overlap by half, and the parent writes meanwhile with what it had open before."""
    with AnswerStore(path) as store:
        store.add("before", "#before")
        with ProcessPoolExecutor(4, multiprocessing.get_context(start)) as pool:
            found = [pool.submit(add_many, store, 50 * number) for number in range(8)]
            assert add_many(store, 1000) == 100
            assert [one.result() for one in found] == [100] * 8
        assert len(store) == 1 + 450 + 100
        assert store._file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with AnswerStore(path) as store:
        assert store.get("before") == "#before"
        assert all(store.get(str(number)) == f"#{number}" for number in [*range(450), *range(1000, 1100)])


_inherited: AnswerStore


def add_inherited(number: int) -> str | None:
    _inherited.add(str(number), f"#{number}")
    return _inherited.get("before")


@pytest.mark.timeout(60)
def test_forked_children_open_the_file_again(path: Path) -> None:
    global _inherited
    with AnswerStore(path) as _inherited:
        _inherited.add("before", "#before")
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(add_inherited, range(20)) == ["#before"] * 20
        _inherited.add("after", "#after")
        assert len(_inherited) == 22


texts = st.text(st.characters(), max_size=20)  # lone surrogates, too


@settings(max_examples=15)
@given(st.dictionaries(st.text(max_size=5), texts))
def test_any_answers(tmp_path_factory: pytest.TempPathFactory, answers: dict[str, str]) -> None:
    path = tmp_path_factory.mktemp("answers") / "answers.sqlite"
    with AnswerStore(path) as store:
        for key, answer in answers.items():
            store.add(key, answer)
    with AnswerStore(path) as store:
        assert {key: store.get(key) for key in answers} == answers
        assert len(store) == len(answers)
