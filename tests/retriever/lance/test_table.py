"""Who may write a table, what readers see of it, how it is kept small and gone back in, and what is told of faults."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from right_hf import BM25Retriever, Post, RightModel
from right_hf.bulk.engines import local_engine
from right_hf.popularity import HashtagPopularity
from right_hf.retriever import LanceRetriever
from right_hf.retriever.lance import changing
from tests.retriever.lance.conftest import NEW, assert_a_second_writer_is_noticed
from tests.support.loopback_hub import LoopbackHub


def test_a_reader_sees_changes_after_a_refresh(folder: Path, opened: LanceRetriever) -> None:
    reader, counts = LanceRetriever.from_pretrained(folder), HashtagPopularity()
    counts.follow(reader)
    assert not reader.refresh()
    opened.add([NEW])
    assert opened.search(["comet"])[0][0].post == NEW
    before = reader.corpus
    assert reader.search(["comet"]) == [[]]
    assert reader.refresh()
    assert reader.search(["comet"])[0][0].post == NEW
    assert reader.corpus.hashtags == opened.corpus.hashtags
    assert reader.corpus.spellings.of("brand new") == {"BrandNew": 1}
    assert before.get("new") is None and len(before) + 1 == len(reader.corpus)


def test_a_model_refreshes_with_its_selector(model: RightModel, folder: Path) -> None:
    again = RightModel(model.config, LanceRetriever.from_pretrained(folder), model.selector, model.generator)
    with closing(LanceRetriever.open(folder)) as writer:
        writer.add([NEW])
    assert again.refresh() and not again.refresh()
    assert "comet" in [one.hashtag for one in again.recommend(["a comet over the harbour"], threshold=0.0)[0]]


def test_one_at_a_time_may_write(folder: Path, opened: LanceRetriever) -> None:
    with pytest.raises(RuntimeError, match="open for changes elsewhere"):
        LanceRetriever.open(folder)
    opened.close()
    with pytest.raises(RuntimeError, match=r"open for reading.*LanceRetriever\.open"):
        opened.add([NEW])
    with closing(LanceRetriever.open(folder)) as again:
        again.add([NEW])


def test_a_second_writer_that_no_lock_stops_is_noticed(folder: Path, opened: LanceRetriever, tmp_path: Path) -> None:
    """As of a table in an object store, whose writers are on two machines."""
    far, other = tmp_path / "far", tmp_path / "other"
    LanceRetriever.from_posts(opened.corpus, far, address=str(tmp_path / "store"))
    shutil.copytree(far, other)
    assert_a_second_writer_is_noticed(far, other)
    corpus = LanceRetriever.from_pretrained(far).corpus
    assert (corpus.held(["new", "e01", "e02"]), len(corpus)) == ({"new", "e02"}, len(opened.corpus))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda opened: opened.add([NEW, Post("e01", "x")]), ValueError, "already holds the post 'e01'"),
        (lambda opened: opened.add([NEW, NEW]), ValueError, "'new' occurs twice"),
        (lambda opened: opened.update([NEW]), KeyError, "no post 'new'"),
        (lambda opened: opened.remove(["e01", "gone"]), KeyError, "no post 'gone'"),
        (lambda opened: opened.add([Post("new", "x", ("",))]), ValueError, "letter or a digit"),
        (lambda opened: opened.add(NEW), TypeError, "list of posts"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(
    opened: LanceRetriever,
    english_posts: list[Post],
    change: Callable[[LanceRetriever], object],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        change(opened)
    assert list(opened.corpus) == english_posts
    assert list(LanceRetriever.from_pretrained(opened.folder).corpus) == english_posts


def test_a_failed_write_is_an_oserror_and_changes_nothing(
    opened: LanceRetriever, english_posts: list[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lance.write_dataset", fail)
        with pytest.raises(OSError, match="No space left"):
            opened.add([NEW])
    assert list(opened.corpus) == english_posts
    opened.add([NEW])
    assert LanceRetriever.from_pretrained(opened.folder).corpus.form("Brand New") == "brand new"


def test_compacted_it_answers_the_same_and_versions_can_be_gone_back_to(
    opened: LanceRetriever, english_posts: list[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "_TIDIED", 3)
    first = next(opened.versions()).number
    for row in range(8):
        opened.add([Post(f"n{row}", f"comet number {row}", ("comet",))])
    opened.remove(["n0"])
    found = opened.search(["comet", "team cloud"])
    opened.compact()
    assert opened.search(["comet", "team cloud"]) == found
    assert len(opened.corpus.snapshot.table.get_fragments()) <= 2
    earlier = LanceRetriever.from_pretrained(opened.folder, version=first)
    assert list(earlier.corpus) == english_posts and not earlier.refresh()
    assert earlier.search(["comet"]) == [[]]
    opened.restore(first)
    assert list(opened.corpus) == english_posts
    assert next(opened.versions()).posts == len(english_posts)
    opened.restore(next(one.number for one in opened.versions() if one.posts == len(english_posts) + 7))
    assert len(opened.corpus) == len(english_posts) + 7
    assert opened.compact(forget_days=0) > 0
    with pytest.raises(ValueError, match=r"version 1 .*right-hf corpus versions"):
        LanceRetriever.from_pretrained(opened.folder, version=1)


def test_a_checkpoint_is_saved_with_a_copy_or_an_address(
    opened: LanceRetriever, english_posts: list[Post], model: RightModel, tmp_path: Path
) -> None:
    opened.add([NEW])
    again = RightModel(model.config, opened, model.selector, model.generator)
    again.save_pretrained(tmp_path / "checkpoint")
    loaded = RightModel.from_pretrained(tmp_path / "checkpoint")
    assert isinstance(loaded.retriever, LanceRetriever)
    texts = [post.text for post in english_posts]
    assert loaded.recommend(texts) == again.recommend(texts)
    LanceRetriever.from_posts(english_posts, tmp_path / "far", address=str(tmp_path / "store"))
    far = LanceRetriever.from_pretrained(tmp_path / "far")
    far.save_pretrained(tmp_path / "named")
    assert not list((tmp_path / "named").glob("*.lance"))
    assert list(LanceRetriever.from_pretrained(tmp_path / "named").corpus) == english_posts
    with pytest.raises(ValueError, match="which others do not have"):
        far.push_to_hub("user/table")


@pytest.mark.parametrize(
    ("posts", "message"),
    [
        ([], "at least one post"),
        ([NEW, Post("b", "x"), NEW], "'new' occurs twice"),
        ([Post("a", "the"), Post("b", "")], "No post of the corpus has a term"),
        ([NEW, Post("b", "x", ("",))], "letter or a digit"),
    ],
)
@pytest.mark.parametrize("address", [None, "store"])
def test_of_what_is_no_corpus_no_table_is_left(
    posts: list[Post], message: str, address: str | None, tmp_path: Path
) -> None:
    where = None if address is None else str(tmp_path / address)
    with pytest.raises(ValueError, match=message):
        LanceRetriever.from_posts(posts, tmp_path / "table", address=where)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wrong", [{"k1": -1.0}, {"b": 2.0}, {"analyser": "none such"}])
def test_wrong_settings_are_refused_before_anything_is_made(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"k1 must be at least 0|Unknown analyser"):
        LanceRetriever.from_posts([NEW], tmp_path / "table", **wrong)
    assert not list(tmp_path.iterdir())


def test_processes_that_share_the_work_make_the_same_table(english_posts: list[Post], tmp_path: Path) -> None:
    one = LanceRetriever.from_posts(english_posts, tmp_path / "one")
    two = LanceRetriever.from_posts(iter(english_posts), tmp_path / "two", engine=local_engine(2))
    assert list(one.corpus) == list(two.corpus)
    assert one.search(["warm seas", "team"]) == two.search(["warm seas", "team"])


def test_a_table_is_not_made_over_another(english_posts: list[Post], folder: Path, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    LanceRetriever.from_posts(english_posts, tmp_path / "a", address=store)
    with pytest.raises(FileExistsError, match=r"store/posts\.lance already"):
        LanceRetriever.from_posts(english_posts[:2], tmp_path / "b", address=store)
    assert len(LanceRetriever.from_pretrained(tmp_path / "a").corpus) == len(english_posts)
    with closing(LanceRetriever.open(folder)), pytest.raises(RuntimeError, match="open for changes elsewhere"):
        LanceRetriever.from_posts(english_posts[:2], folder)
    assert len(LanceRetriever.from_posts(english_posts[:2], folder).corpus) == 2


def test_what_is_missing_or_damaged_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no index folder"):
        LanceRetriever.open(tmp_path / "none")
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "posts.lance")
    with pytest.raises(FileNotFoundError, match=r"no table .*right-hf index --store lance"):
        LanceRetriever.from_pretrained(tmp_path / "copy")
    for manifest in (folder / "posts.lance" / "_versions").iterdir():
        manifest.write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"cannot be read as a table.*restore it or index again"):
        LanceRetriever.from_pretrained(folder)


def test_without_the_package_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lance", None)
    with pytest.raises(ImportError, match=r"pip install 'right_hf\[lance\]'"):
        LanceRetriever.from_pretrained(folder)


def test_half_of_its_posts_removed_it_is_no_pickle(tmp_path: Path) -> None:
    """Which posts are gone is in a file that ends like some pickles, once they are many."""
    LanceRetriever.from_posts((Post(f"{row:05}", "alpha", ("x",)) for row in range(20_000)), tmp_path / "table")
    with closing(LanceRetriever.open(tmp_path / "table")) as opened:
        opened.remove([f"{row:05}" for row in range(0, 20_000, 2)])
    assert list((tmp_path / "table").rglob("*.bin"))
    assert len(LanceRetriever.from_pretrained(tmp_path / "table").corpus) == 10_000
    (tmp_path / "table" / "posts.lance" / "data" / "evil.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="pickle"):
        LanceRetriever.from_pretrained(tmp_path / "table")


@pytest.mark.loopback
def test_a_table_is_pushed_and_pulled(hub: LoopbackHub, opened: LanceRetriever, english_posts: list[Post]) -> None:
    opened.push_to_hub("user/table")
    assert list(LanceRetriever.from_pretrained("user/table").corpus) == english_posts
    opened.add([NEW])
    opened.compact(forget_days=0)
    opened.push_to_hub("user/table")
    pulled = LanceRetriever.from_pretrained("user/table")
    assert pulled.search(["comet", "team cloud"]) == opened.search(["comet", "team cloud"])
    there = set(hub.repo("user/table").at().files)
    here = {path.relative_to(opened.folder).as_posix() for path in opened.folder.rglob("*") if path.is_file()}
    assert {path for path in there if ".lance/" in path} == {path for path in here if ".lance/" in path}
    BM25Retriever.from_posts(english_posts).push_to_hub("user/table")
    assert not [path for path in hub.repo("user/table").at().files if ".lance/" in path]
