"""A folder that is open for changes: who may replace it, what becomes of its journal, what a forked child may do."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from right_hf import BM25Retriever, HybridRetriever, Post, RightModel
from right_hf.cli import main
from right_hf.retriever import DenseRetriever
from tests.support.living import dying
from tests.support.paths import ROOT

NEW, LATER = Post("new", "cloud storms", ("storm",)), Post("later", "cloud burst", ("burst",))


@pytest.fixture
def home(model: RightModel, tmp_path: Path) -> Path:
    """A checkpoint without its generator, for speed."""
    RightModel(model.config, model.retriever, model.selector).save_pretrained(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def living(home: Path, model: RightModel) -> Iterator[RightModel]:
    """A model whose retriever is open on the folder in the checkpoint."""
    opened = BM25Retriever.open(home / "retriever")
    yield RightModel(model.config, opened, model.selector)
    opened.close()


def ids(folder: Path) -> list[str]:
    return [post.id for post in BM25Retriever.from_pretrained(folder).corpus]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("inside", ["retriever", "."])
def test_nobody_replaces_a_folder_that_is_open_elsewhere(
    living: RightModel, model: RightModel, home: Path, tmp_path: Path, inside: str
) -> None:
    living.add([NEW])
    before = snapshot(home)
    saves: list[Callable[[Path], None]] = [model.save_pretrained, model.retriever.save_pretrained]
    for save in saves:
        with pytest.raises(RuntimeError, match=r"is open for changes elsewhere.*Nothing was written\. Close"):
            save(home / inside)
    assert snapshot(home) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    living.add([LATER])
    living.retriever.close()  # type: ignore[attr-defined]
    model.save_pretrained(home)
    assert "new" not in ids(home / "retriever")


def test_a_folder_that_is_opened_during_a_save_stays(
    model: RightModel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[BM25Retriever] = []
    save_embeddings = model.selector.save_embeddings

    def slow(*arguments: object) -> None:
        save_embeddings(*arguments)  # type: ignore[arg-type]
        opened.append(BM25Retriever.open(home / "retriever"))
        opened[0].add([NEW])

    monkeypatch.setattr(model.selector, "save_embeddings", slow)
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        model.save_pretrained(home)
    opened[0].close()
    assert "new" in ids(home / "retriever")


def test_a_model_that_leaves_its_index_out_does_not_drop_its_journal(living: RightModel, home: Path) -> None:
    living.add([NEW])
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        living._save(home, {"retriever": {"repo_id": "somebody/index", "revision": "0" * 40}})
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        living.save_pretrained(home / "retriever")  # whose index would lie deeper
    assert "new" in ids(home / "retriever")


def test_the_command_refuses_a_folder_that_is_open(
    english_posts: list[Post], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "posts.jsonl").write_text('{"id": "1", "text": "warm bread", "hashtags": ["bread"]}\n')
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "index")
    command = ["index", str(tmp_path / "posts.jsonl"), "--output", str(tmp_path / "index")]
    with closing(BM25Retriever.open(tmp_path / "index")) as opened:
        opened.add([NEW])
        assert main(command) == 1
        assert "index is open for changes elsewhere" in capsys.readouterr().err
        done = subprocess.run(
            [sys.executable, "-m", "right_hf", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (1, "") and "open for changes elsewhere" in done.stderr
        opened.add([LATER])
    assert ids(tmp_path / "index")[-2:] == ["later", "new"]
    assert main(command) == 0
    assert ids(tmp_path / "index") == ["1"]


@pytest.mark.parametrize("place", ["home", "link", "renamed"])
def test_a_model_saved_over_its_own_index_goes_on_there(
    living: RightModel, home: Path, tmp_path: Path, place: str
) -> None:
    living.add([NEW])
    target = tmp_path / place
    if place == "link":
        target.symlink_to(home)
    elif place == "renamed":
        home.rename(target)
    living.save_pretrained(target)
    assert (target / "retriever" / "journal.jsonl").read_bytes() == b""
    living.add([LATER])
    living.remove(["e01"])
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        BM25Retriever.open(target / "retriever")
    living.save_pretrained(target)
    living.update([Post("later", "cloud cover", ("cover",))])
    expected = list(living.retriever.corpus)
    living.retriever.close()  # type: ignore[attr-defined]
    again = RightModel.from_pretrained(target)
    assert list(again.retriever.corpus) == expected
    assert {"new", "later"} < {post.id for post in expected}
    BM25Retriever.open(target / "retriever").close()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_model_saved_elsewhere_stays_where_it_is(living: RightModel, home: Path, tmp_path: Path) -> None:
    living.save_pretrained(tmp_path / "copy")
    living.add([NEW])
    assert "new" in ids(home / "retriever") and "new" not in ids(tmp_path / "copy" / "retriever")
    BM25Retriever.open(tmp_path / "copy" / "retriever").close()


def test_changes_during_a_save_of_the_model_are_kept(
    living: RightModel, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_embeddings = living.selector.save_embeddings

    def slow(*arguments: object) -> None:
        save_embeddings(*arguments)  # type: ignore[arg-type]
        living.add([NEW])

    monkeypatch.setattr(living.selector, "save_embeddings", slow)
    living.save_pretrained(home)
    living.retriever.close()  # type: ignore[attr-defined]
    assert "new" in ids(home / "retriever")


def test_the_index_of_a_hybrid_goes_on_too(
    english_posts: list[Post], dense_retriever: DenseRetriever, tmp_path: Path
) -> None:
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "hybrid" / "bm25")
    with closing(BM25Retriever.open(tmp_path / "hybrid" / "bm25")) as opened:
        (tmp_path / "hybrid" / "retriever_config.json").write_text("{}")
        HybridRetriever(opened, dense_retriever).save_pretrained(tmp_path / "hybrid")
        opened.add([NEW])
    assert "new" in ids(tmp_path / "hybrid" / "bm25")


@pytest.mark.slow
@pytest.mark.parametrize("exchanges", [True, False])
def test_a_save_of_the_model_may_die_at_any_step(model: RightModel, tmp_path: Path, exchanges: bool) -> None:
    lean = RightModel(model.config, BM25Retriever.from_posts([NEW]), model.selector)
    for moment in itertools.count():
        home = tmp_path / f"{moment}"
        lean.save_pretrained(home / "model")
        with closing(BM25Retriever.open(home / "model" / "retriever")) as opened:
            lean.retriever = opened
            lean.add([LATER])
            with dying(home, moment, exchanges) as remains:
                lean.save_pretrained(home / "model")
                lean.remove(["later"])
        lean.retriever = BM25Retriever.from_posts([NEW])
        if not remains.exists():
            break
        left = [post.id for post in RightModel.from_pretrained(remains / "model").retriever.corpus]
        assert left in (["later", "new"], ["new"])
    assert moment > 10


def tried(living: RightModel, home: Path) -> list[str]:
    """What a forked child is told when it tries to change things, and what it finds."""
    retriever = living.retriever
    assert isinstance(retriever, BM25Retriever)
    found = [f"{len(retriever.search(['cloud'])[0])} hits"]
    tries: list[Callable[[], object]] = [
        lambda: living.add([LATER]),
        lambda: living.remove(["e01"]),
        lambda: living.update([Post("e01", "")]),
        retriever.save,
        lambda: living.save_pretrained(home),
        lambda: BM25Retriever.open(home / "retriever"),
    ]
    for attempt in tries:
        try:
            attempt()
            found.append("done")
        except RuntimeError as error:
            found.append(str(error))
    living.save_pretrained(home.with_name("of the child"))
    retriever.close()
    return found


def in_a_fork(work: Callable[[], list[str]]) -> list[str]:
    """The lines that a forked child gives."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with os.fdopen(writing, "w") as file:
                file.write("\n".join(work()))
            gc.collect()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        lines = file.read().split("\n")
    assert os.waitpid(child, 0)[1] == 0
    return lines


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_searches_and_changes_nothing(living: RightModel, home: Path) -> None:
    living.add([NEW])
    retriever = living.retriever
    assert isinstance(retriever, BM25Retriever)
    held, go_on = threading.Event(), threading.Event()

    def change() -> None:  # at the moment of the fork, in a thread that the child does not have
        with retriever._writing:
            held.set()
            go_on.wait(60)

    thread = threading.Thread(target=change)
    thread.start()
    held.wait(60)
    hits, *refused, elsewhere = in_a_fork(lambda: tried(living, home))
    go_on.set()
    thread.join()
    assert hits == f"{len(retriever.search(['cloud'])[0])} hits"
    assert len(refused) == 5 and all("was opened by the process" in line and "forked" in line for line in refused)
    assert "open for changes elsewhere" in elsewhere
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        BM25Retriever.open(home / "retriever")  # the child's end has not let it go
    living.add([LATER])
    living.save_pretrained(home)
    living.remove(["e01"])
    retriever.close()
    assert {"new", "later"} < {*ids(home / "retriever")} and "e01" not in ids(home / "retriever")
    assert "later" not in ids(home.with_name("of the child") / "retriever")


def _child_of_multiprocessing(living: RightModel, told: multiprocessing.SimpleQueue[str]) -> None:
    try:
        living.add([LATER])
    except RuntimeError as error:
        told.put(str(error))


@needs_fork
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_of_multiprocessing_changes_nothing(living: RightModel, home: Path) -> None:
    context = multiprocessing.get_context("fork")
    told: multiprocessing.SimpleQueue[str] = context.SimpleQueue()
    child = context.Process(target=_child_of_multiprocessing, args=(living, told))
    child.start()
    child.join(60)
    assert "forked" in told.get()
    living.add([NEW])
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        BM25Retriever.open(home / "retriever")
    assert "new" in ids(home / "retriever") and "later" not in ids(home / "retriever")
