"""Converted models on disk: kept, checked, made anew, by several at once, and where nothing can be written."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from right_hf.generator import ctranslate2_store
from right_hf.generator.ctranslate2_store import converted_files, store_folder
from right_hf.generator.engine import check_engine
from right_hf.generator.seq2seq import Seq2SeqGenerator
from tests.support.damage import DAMAGES, damage
from tests.support.paths import ROOT

FILES = {"config.json": b"{}", "model.bin": b"weights" * 99}


class Maker:
    """Makes the files, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        for name, content in FILES.items():
            (folder / name).write_bytes(content)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ctranslate2_store, "_warned", set())
    return store_folder()


def test_what_is_there_is_not_made_again(store: Path) -> None:
    make = Maker()
    assert converted_files("a", make) == converted_files("a", make) == FILES
    assert make.times == 1 and [path.name for path in store.iterdir()] == ["a"]
    converted_files("b", make)
    assert make.times == 2


@pytest.mark.parametrize("name", [*FILES, "digests.json"])
@pytest.mark.parametrize("how", DAMAGES)
def test_damaged_files_are_made_anew(store: Path, name: str, how: str) -> None:
    make = Maker()
    converted_files("a", make)
    damage(store / "a" / name, how)
    assert converted_files("a", make) == FILES and make.times == 2
    assert converted_files("a", make) == FILES and make.times == 2


def test_what_fails_leaves_nothing_behind(store: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "model.bin").write_bytes(b"half")
        raise ValueError("no such network")

    with pytest.raises(ValueError, match="no such network"):
        converted_files("a", fail)
    assert not list(store.iterdir())


def test_threads_may_make_the_same_at_once(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    started, make = threading.Barrier(4), Maker()

    def wait_and_make(folder: Path) -> None:
        started.wait(60)
        make(folder)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: converted_files("a", wait_and_make), range(4)))
    assert found == [FILES] * 4 and converted_files("a", make) == FILES and make.times == 4
    assert [path.name for path in store.iterdir()] == ["a"]
    assert not caplog.text


def test_where_nothing_can_be_kept_a_temporary_folder_serves(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.parent.mkdir(parents=True)
    store.write_bytes(b"a file where the folder would be")
    make = Maker()
    assert converted_files("a", make) == converted_files("b", make) == FILES
    assert make.times == 2 and len(caplog.records) == 1 and str(store) in caplog.text and "HF_HOME" in caplog.text


def test_a_full_disk(store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def make(folder: Path) -> None:
        if store in folder.parents:
            raise OSError(28, "No space left on device")
        Maker()(folder)

    assert converted_files("a", make) == FILES
    assert "No space left" in caplog.text and not list(store.iterdir())


def test_an_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tiny_generator: Seq2SeqGenerator) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'right_hf\[fast\]'"):
        check_engine("ctranslate2")
    tiny_generator.use_engine(None)
    assert tiny_generator.engine is None
    with pytest.raises(ValueError, match=r"no engine 'onnx'.*torch, ctranslate2"):
        check_engine("onnx")


_SCRIPT = """
import sys
from right_hf.generator import Seq2SeqGenerator
generator = Seq2SeqGenerator.from_pretrained(sys.argv[1], engine="ctranslate2", compute_type="float32")
print(generator.generate(["Warm seas bleach the coral reef"], [["climate change"]])[0].hashtags)
assert generator.engine._runner is not None
"""


def test_two_processes_and_a_damaged_model(
    tmp_path: Path, store: Path, tiny_generator: Seq2SeqGenerator, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("ctranslate2", reason="needs the extra 'fast'")
    tiny_generator.save_pretrained(tmp_path / "saved")
    paths = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    environment = {**os.environ, "HF_HOME": str(store.parents[1]), "PYTHONPATH": paths}
    command = [sys.executable, "-c", _SCRIPT, str(tmp_path / "saved")]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=110)[0] for process in both]
    [kept] = store.iterdir()
    post, context = ["Warm seas bleach the coral reef"], [["climate change"]]
    expected = tiny_generator.generate(post, context)
    assert printed == [f"{expected[0].hashtags}\n"] * 2
    damage(kept / "model.bin", "truncated")
    with caplog.at_level(logging.WARNING):
        loaded = Seq2SeqGenerator.from_pretrained(tmp_path / "saved", engine="ctranslate2", compute_type="float32")
        assert loaded.generate(post, context) == expected
    assert not caplog.text and converted_files(kept.name, Maker()) != FILES
