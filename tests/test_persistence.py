from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from right_hf import persistence
from right_hf.persistence import (
    PICKLE_SUFFIXES,
    atomic_folder,
    load_arrays,
    read_json,
    recover_folder,
    refuse_pickle,
    save_arrays,
    write_json,
)

# Saves "new" over "old" and dies on the way. The module is loaded without the package to keep the process quick.
DYING_SAVE = """
import os, signal, sys, types
_, package, target, moment = sys.argv
sys.modules["right_hf"] = types.ModuleType("right_hf")
sys.modules["right_hf"].__path__ = [package]
from right_hf import persistence
replace, calls = os.replace, []
def dying_replace(*paths):
    if moment == f"before rename {len(calls) + 1}":
        os._exit(9)
    calls.append(paths)
    replace(*paths)
    if moment == f"after rename {len(calls)}":
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = dying_replace
exchange = persistence._exchange
def dying_exchange(*paths):
    if "rename" in moment or not exchange(*paths):
        return False
    if moment == "after exchange":
        os.kill(os.getpid(), signal.SIGKILL)
    return True
persistence._exchange = dying_exchange
with persistence.atomic_folder(target) as folder:
    (folder / "config.json").write_text("new")
    if moment == "inside":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("old")
    return folder


def save(target: Path, content: str) -> None:
    with atomic_folder(target) as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "config.json").write_text(content)
        (folder / "config.json").write_text(content)


def others(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


@pytest.mark.parametrize("in_one_step", [True, False])
def test_the_new_folder_takes_the_place_of_the_old(
    target: Path, in_one_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_one_step:
        monkeypatch.setattr(persistence, "_exchange", lambda *_: False)
    (target / "stale").write_text("old")
    save(target, "new")
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*")) == [
        "config.json",
        "sub",
        "sub/config.json",
    ]
    assert (target / "config.json").read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o755
    assert others(target) == []


def test_parents_are_made(tmp_path: Path) -> None:
    save(tmp_path / "a" / "b", "new")
    assert (tmp_path / "a" / "b" / "config.json").read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_folder(target: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_folder(target) as folder:
        (folder / "config.json").write_text("new")
        raise error
    assert (target / "config.json").read_text() == "old"
    assert others(target) == []


def test_a_failed_rename_puts_the_old_folder_back(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def failing(source: Path, destination: Path) -> None:
        if ".new-" in Path(source).name:
            raise OSError("disk on fire")
        replace(source, destination)

    monkeypatch.setattr(persistence, "_exchange", lambda *_: False)
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk on fire"):
        save(target, "new")
    assert (target / "config.json").read_text() == "old"
    assert others(target) == []


@pytest.mark.parametrize(
    ("moment", "survivor"),
    [
        ("inside", "old"),
        ("before rename 1", "old"),
        ("before rename 2", "old"),
        ("after rename 2", "new"),
        pytest.param(
            "after exchange", "new", marks=pytest.mark.skipif(sys.platform != "linux", reason="no exchange of folders")
        ),
    ],
)
def test_a_killed_save_leaves_a_whole_checkpoint(target: Path, moment: str, survivor: str) -> None:
    command = [sys.executable, "-c", DYING_SAVE, str(Path(persistence.__file__).parent), str(target), moment]
    assert subprocess.run(command, timeout=60, check=False).returncode != 0
    recover_folder(target)
    assert (target / "config.json").read_text() == survivor
    save(target, "newest")  # what the killed process left behind does no harm
    assert (target / "config.json").read_text() == "newest"
    assert not [name for name in others(target) if ".new-" not in name]


def test_saving_recovers_first(target: Path) -> None:
    """A failing save after a killed one must not lose the folder that the killed one had set aside."""
    target.rename(target.with_name(".checkpoint.previous"))
    with pytest.raises(RuntimeError), atomic_folder(target):
        raise RuntimeError
    assert (target / "config.json").read_text() == "old"


def test_a_linked_folder_is_replaced_where_it_lies(target: Path) -> None:
    link = target.with_name("link")
    link.symlink_to(target)
    for content in ("new", "newest"):
        save(link, content)
        assert (target / "config.json").read_text() == content
    assert link.is_symlink()
    assert others(target) == ["link"]


def remains(target: Path, name: str, hours: float) -> Path:
    folder = target.with_name(name)
    folder.mkdir()
    (folder / "model.safetensors").write_text("half")
    make_old(folder, hours)
    return folder


def make_old(folder: Path, hours: float) -> None:
    os.utime(folder, (time.time() - 3600 * hours,) * 2)


def test_what_killed_saves_left_is_removed_once_nobody_can_need_it(target: Path) -> None:
    old = remains(target, ".checkpoint.new-old", 25)
    young = remains(target, ".checkpoint.new-young", 1)
    held = remains(target, ".checkpoint.new-held", 25)
    of_another = remains(target, ".checkpoint2.new-old", 25)
    with FileLock(held / persistence._LOCK):
        make_old(held, 25)
        save(target, "new")
    assert not old.exists()
    assert young.exists() and held.exists() and of_another.exists()
    save(target, "newest")
    assert not held.exists()


def test_a_save_that_lasts_long_is_not_swept_by_another(target: Path) -> None:
    with atomic_folder(target) as folder:
        (folder / "config.json").write_text("new")
        make_old(folder, 25)
        save(target, "from elsewhere")
        assert (folder / "config.json").read_text() == "new"
    assert [path.name for path in target.iterdir()] == ["config.json"], "the lock is no part of a checkpoint"
    assert (target / "config.json").read_text() == "new"
    assert others(target) == []


def test_a_drive_without_locks_takes_saves_all_the_same(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: FileLock, *_: object, **__: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(FileLock, "acquire", refused)
    save(target, "new")
    assert (target / "config.json").read_text() == "new"
    assert others(target) == []


def test_a_save_is_flushed_before_and_after_its_rename(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    flush, swap = persistence.flush_entries, persistence._swap
    monkeypatch.setattr(persistence, "flush_entries", lambda folder: (order.append(folder.name), flush(folder)))
    monkeypatch.setattr(persistence, "_swap", lambda *paths: (order.append("rename"), swap(*paths)))
    save(target, "new")
    renamed = order.index("rename")
    assert "sub" in order[:renamed] and any(".new-" in name for name in order[:renamed])
    assert order[renamed + 1 :] == [target.parent.name]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(NotADirectoryError, match="is a file; a checkpoint is a folder"),
        atomic_folder(tmp_path / "file"),
    ):
        pass
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("suffix", [*sorted(PICKLE_SUFFIXES), ".BIN"])
def test_pickle_files_are_refused_wherever_they_lie(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "generator").mkdir()
    (tmp_path / "generator" / "model.safetensors").touch()
    refuse_pickle(tmp_path)
    (tmp_path / "generator" / f"weights{suffix}").touch()
    with pytest.raises(ValueError, match=f"weights{suffix} may be a pickle file.*Convert the weights to safetensors"):
        refuse_pickle(tmp_path)


def test_json_round_trip_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_json(path, {"a": ["你好", None, 0.1]})
    assert read_json(path) == {"a": ["你好", None, 0.1]}
    assert "你好" in path.read_text(encoding="utf-8")
    for damaged in (b"", b'{"a": [', b"\xff\xfe"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"config\.json is no valid JSON.*again"):
            read_json(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing.*again"):
        read_json(path)


def test_arrays_round_trip_and_damage(tmp_path: Path) -> None:
    path = tmp_path / "arrays.safetensors"
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "a": np.arange(6, dtype=np.float16).reshape(2, 3).T,
        "empty": np.zeros((0, 4), dtype=np.int64),
    }
    save_arrays(path, arrays, metadata={"k": "v"})
    loaded, metadata = load_arrays(path, ("a", "empty"))
    assert metadata == {"k": "v"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array, strict=True)
    with pytest.raises(ValueError, match=r"arrays\.safetensors is missing, damaged or no safetensors file with b"):
        load_arrays(path, ("b",))
    whole = path.read_bytes()
    for damaged in (b"", whole[:7], whole[:-1], b"\xff" * 64):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"arrays\.safetensors is missing, damaged.*again"):
            load_arrays(path, ("a",))
    path.unlink()
    with pytest.raises(ValueError, match=r"arrays\.safetensors is missing"):
        load_arrays(path, ("a",))


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("mine")
    with pytest.raises(FileExistsError, match="Choose an empty or new folder"):
        save(tmp_path, "new")
    assert (tmp_path / "results.json").read_text() == "mine"
