"""Changes outlive the process that made them: journal, saves, crashes."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from unittest import mock

import pytest

from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, Retriever, bm25
from tests.support.living import FIRST, assert_equals_a_new_index, dying


@pytest.fixture
def opened(english_posts: list[Post], tmp_path: Path) -> Iterator[BM25Retriever]:
    BM25Retriever.from_posts(english_posts).save_pretrained(tmp_path / "index")
    retriever = BM25Retriever.open(tmp_path / "index")
    yield retriever
    retriever.close()


@pytest.mark.slow
def test_a_killed_process_loses_nothing_acknowledged(tmp_path: Path) -> None:
    BM25Retriever.from_posts([FIRST]).save_pretrained(tmp_path / "index")
    script = """
        import sys
        from right_hf.posts import Post
        from right_hf.retriever import BM25Retriever

        retriever = BM25Retriever.open(sys.argv[1])
        for i in range(10_000_000):
            retriever.add([Post(f"{i:08}", "alpha delta", ("x",))])
            if i:
                retriever.remove([f"{i - 1:08}"])
            print(i, flush=True)
            if i == 20:
                retriever.save()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "index")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 35:
                process.send_signal(signal.SIGKILL)
                break
        acknowledged = [35, *map(int, process.stdout.read().split())][-1]
    assert process.returncode == -signal.SIGKILL
    survivors = [int(post.id) for post in BM25Retriever.open(tmp_path / "index").corpus if post.id != FIRST.id]
    # The process may have been one change further than it could say.
    assert survivors in ([acknowledged], [acknowledged, acknowledged + 1], [acknowledged + 1])


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_save_may_die_at_any_step(tmp_path: Path, exchanges: bool) -> None:
    posts = [FIRST, Post("n", "alpha gamma", ("y",))]
    for moment in itertools.count():
        home = tmp_path / f"{moment}"
        BM25Retriever.from_posts(posts[:1]).save_pretrained(home / "index")
        with closing(BM25Retriever.open(home / "index")) as retriever, dying(home, moment, exchanges) as remains:
            retriever.add(posts[1:])
            retriever.save()
        if not remains.exists():
            break
        with closing(BM25Retriever.open(remains / "index")) as retriever:
            assert_equals_a_new_index(retriever, posts if "n" in [post.id for post in retriever.corpus] else posts[:1])
            assert moment < 2 or len(retriever.corpus) == 2  # once the change was acknowledged
    assert moment > 10


def test_only_one_retriever_holds_a_folder(opened: BM25Retriever, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"index is open for changes elsewhere\. Close that retriever first"):
        BM25Retriever.open(tmp_path / "index")
    opened.save()
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        BM25Retriever.open(tmp_path / "index")
    opened.close()
    BM25Retriever.open(tmp_path / "index").close()
    with pytest.raises(RuntimeError, match=r"not opened from a folder\. Use save_pretrained"):
        opened.save()
    with pytest.raises(FileNotFoundError, match="There is no index folder"):
        BM25Retriever.open(tmp_path / "nowhere")


def test_a_change_that_cannot_be_written_is_none(opened: BM25Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened.search(["cloud"])
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk on fire"):
        patch.setattr("os.fsync", mock.Mock(side_effect=OSError("disk on fire")))
        opened.add([Post("new", "cloud")])
    assert opened.search(["cloud"]) == before
    with pytest.raises(RuntimeError, match=r"takes no more changes: an earlier write to it failed\. Open"):
        opened.add([Post("new", "cloud")])
    opened.save()  # a new journal, on a disk that is well again
    opened.add([Post("new", "cloud")])
    assert opened.corpus.get("new") == Post("new", "cloud")


def replace_behind_its_back(folder: Path, posts: list[Post]) -> None:
    """As somebody does who knows of no locks."""
    BM25Retriever.from_posts(posts).save_pretrained(folder.with_name("other"))
    folder.rename(folder.with_name("old"))
    folder.with_name("other").rename(folder)


def test_a_replaced_folder_takes_no_changes(opened: BM25Retriever, english_posts: list[Post], tmp_path: Path) -> None:
    """They would be lost with the journal of the folder that was there before."""
    replace_behind_its_back(tmp_path / "index", english_posts[:3])
    with pytest.raises(RuntimeError, match="its folder was replaced"):
        opened.add([Post("new", "cloud")])
    assert opened.corpus.get("new") is None


@pytest.mark.parametrize("still_open", [True, False])
def test_a_save_does_not_destroy_what_another_acknowledged(
    opened: BM25Retriever, english_posts: list[Post], tmp_path: Path, still_open: bool
) -> None:
    folder, new = tmp_path / "index", Post("new", "cloud")
    opened.add([Post("first", "cloud")])
    replace_behind_its_back(folder, english_posts[:3])
    with closing(BM25Retriever.open(folder)) as second:
        second.add([new])
        if not still_open:
            second.close()
        for save in (opened.save, lambda: opened.save_pretrained(folder)):
            with pytest.raises(RuntimeError, match=r"its folder was replaced.*save_pretrained\(another folder\)"):
                save()
    opened.save_pretrained(tmp_path / "third")
    opened.close()
    assert list(BM25Retriever.from_pretrained(folder).corpus) == [*english_posts[:3], new]
    assert BM25Retriever.from_pretrained(tmp_path / "third").corpus.get("first")


def test_a_folder_that_is_replaced_during_a_save_stays(
    opened: BM25Retriever, english_posts: list[Post], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_index = bm25.save_index

    def slow(*arguments: object) -> None:
        save_index(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        replace_behind_its_back(tmp_path / "index", english_posts[:3])

    monkeypatch.setattr(bm25, "save_index", slow)
    with pytest.raises(RuntimeError, match="its folder was replaced"):
        opened.save()
    assert list(BM25Retriever.from_pretrained(tmp_path / "index").corpus) == english_posts[:3]


def test_two_saves_at_once_keep_every_change(
    opened: BM25Retriever, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by the retriever itself, one by a model that it is part of."""
    save_index = bm25.save_index

    def slow(*arguments: object) -> None:
        save_index(*arguments)  # type: ignore[arg-type]
        monkeypatch.undo()
        opened.add([Post("meanwhile", "cloud")])
        opened.save()

    monkeypatch.setattr(bm25, "save_index", slow)
    with pytest.raises(RuntimeError, match=r"saved or closed by another thread meanwhile\. Save again"):
        Retriever.save_pretrained(opened, tmp_path / "index")
    opened.add([Post("after", "cloud")])
    opened.close()
    corpus = BM25Retriever.from_pretrained(tmp_path / "index").corpus
    assert corpus.get("meanwhile") and corpus.get("after")


def test_changes_come_from_any_iterable(opened: BM25Retriever, tmp_path: Path) -> None:
    new = [Post("n1", "cloud", ("x",)), Post("n2", "cloud", ("y",))]
    opened.add(iter(new))
    opened.update(post for post in [Post("n1", "storms", ("z",))])
    opened.remove(iter(["n2", "e01"]))
    opened.add(iter([]))
    expected = list(opened.corpus)
    opened.close()
    again = BM25Retriever.from_pretrained(tmp_path / "index").corpus
    assert list(again) == expected and again.get("n1") == Post("n1", "storms", ("z",)) and again.get("n2") is None
    assert (again.hashtag_count("z"), again.hashtag_count("x"), again.hashtag_count("y")) == (1, 0, 0)


def test_saving_takes_changes_meanwhile_and_keeps_what_lies_beside(
    opened: BM25Retriever, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index" / "hashtag_embeddings.safetensors").write_text("kept")
    save_index = bm25.save_index

    def slow(*arguments: object) -> None:
        save_index(*arguments)  # type: ignore[arg-type]
        opened.add([Post("meanwhile", "cloud")])

    monkeypatch.setattr(bm25, "save_index", slow)
    opened.save_pretrained(tmp_path / "index")  # its own folder, so the same as save()
    opened.remove(["e01"])
    expected = list(opened.corpus)
    assert [post.id for post in expected[-1:]] == ["meanwhile"]
    opened.close()
    assert list(BM25Retriever.from_pretrained(tmp_path / "index").corpus) == expected
    assert (tmp_path / "index" / "hashtag_embeddings.safetensors").read_text() == "kept"


def test_an_index_may_lose_its_last_post_and_grow_again(opened: BM25Retriever, tmp_path: Path) -> None:
    opened.remove([post.id for post in opened.corpus])
    assert (opened.search(["cloud"]), list(opened.corpus), opened.corpus.hashtags) == ([[]], [], [])
    opened.save()
    opened.close()
    again = BM25Retriever.open(tmp_path / "index")
    again.add([FIRST])
    assert_equals_a_new_index(again, [FIRST])
