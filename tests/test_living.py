"""A corpus that changes while it serves: after any changes and crashes, all is as in an index built anew."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from right_hf import RightModel
from right_hf.journal import JOURNAL_FILE
from right_hf.popularity import DAY, HashtagPopularity
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, bm25
from right_hf.retriever.index import Index, Merged, merge_due
from tests.living import FIRST, QUERIES, TAGS, WORDS, assert_equals_a_new_index, dying

NOW = 10 * DAY

posts_without_ids = st.builds(
    Post,
    id=st.just(""),
    text=st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    hashtags=st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple),
    created_at=st.none() | st.integers(1, 9).map(lambda day: f"1970-01-0{day}T12:00:00Z"),
    author=st.none() | st.sampled_from("abc"),
)


class LivingCorpus(RuleBasedStateMachine):
    """Changes a retriever that was opened from a folder, and a plain dict of posts beside it."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.folder = self.home / "index"
        self.patches = [mock.patch.object(bm25, "MERGED_AT_ONCE", 4), mock.patch("os.fsync")]
        for patch in self.patches:
            patch.start()
        BM25Retriever.from_posts([FIRST]).save_pretrained(self.folder)
        self.posts = {FIRST.id: FIRST}
        self.states = [(0, self.posts)]  # with the size of the journal at which the corpus was in each
        self.start()

    def start(self) -> None:
        self.retriever = BM25Retriever.open(self.folder)
        self.popularity = HashtagPopularity()
        self.retriever.follow(self.popularity.change)

    @initialize(target=ids)
    def first(self) -> str:
        return FIRST.id

    @rule(target=ids, new=st.dictionaries(st.text("abmyz", min_size=1, max_size=3), posts_without_ids, max_size=5))
    def add(self, new: dict[str, Post]) -> object:
        posts = [replace(post, id=post_id) for post_id, post in new.items()]
        if taken := self.posts.keys() & new.keys():
            with pytest.raises(ValueError, match=rf"already holds the post '({'|'.join(taken)})'"):
                self.retriever.add(posts)
            return multiple()
        self.retriever.add(posts)
        self.posts = self.posts | {post.id: post for post in posts}
        return multiple(*new)

    @rule(gone=st.lists(ids, max_size=4))
    def remove(self, gone: list[str]) -> None:
        if missing := set(gone) - self.posts.keys():
            with pytest.raises(KeyError, match=rf"holds no post '({'|'.join(missing)})'"):
                self.retriever.remove(gone)
            return
        self.retriever.remove(gone)
        self.posts = {post_id: post for post_id, post in self.posts.items() if post_id not in gone}

    @rule(post_id=ids, post=posts_without_ids)
    def update(self, post_id: str, post: Post) -> None:
        if post_id in self.posts:
            self.posts = self.posts | {post_id: replace(post, id=post_id)}
            self.retriever.update([self.posts[post_id]])

    @rule()
    def save(self) -> None:
        self.retriever.save()
        assert (self.folder / JOURNAL_FILE).stat().st_size == 0

    @rule()
    def save_elsewhere_and_load(self) -> None:
        self.retriever.save_pretrained(self.home / "copy")
        assert_equals_a_new_index(BM25Retriever.from_pretrained(self.home / "copy"), list(self.posts.values()))

    @rule(new=posts_without_ids, share=st.floats(0, 1))
    def crash_while_a_change_is_written(self, new: Post, share: float) -> None:
        """The process dies while it writes a change, any number of whose bytes reach the disk."""
        self.retriever.close()
        line = bm25.encode_change([replace(new, id="new")], ["m", "new"])
        torn = round(share * len(line))
        with (self.folder / JOURNAL_FILE).open("ab") as file:
            file.write(line[:torn])
        if torn == len(line):  # never acknowledged, but whole
            kept = {post_id: post for post_id, post in self.posts.items() if post_id != "m"}
            self.posts = kept | {"new": replace(new, id="new")}
        assert_equals_a_new_index(BM25Retriever.from_pretrained(self.folder), list(self.posts.values()))
        self.start()

    @rule(share=st.floats(0, 1))
    def cut_the_journal(self, share: float) -> None:
        """A disk that loses the end of the journal, cut at any byte, takes the corpus back to a state it had."""
        copy = self.home / "cut"
        shutil.copytree(self.folder, copy)
        left = round(share * (copy / JOURNAL_FILE).stat().st_size)
        os.truncate(copy / JOURNAL_FILE, left)
        _, posts = [state for state in self.states if state[0] <= left][-1]
        with closing(BM25Retriever.open(copy)) as retriever:
            assert_equals_a_new_index(retriever, list(posts.values()))
        shutil.rmtree(copy)

    @rule(moment=st.integers(0, 20), exchanges=st.booleans(), saves=st.booleans(), post=posts_without_ids)
    def crash_at_a_moment(self, moment: int, exchanges: bool, saves: bool, post: Post) -> None:
        """The process dies before one of the steps in which a save, or an update, reaches the disk."""
        before = self.posts
        with dying(self.home, moment, exchanges) as remains:
            if saves:
                self.retriever.save()
            elif "m" in before:
                self.posts = before | {"m": replace(post, id="m")}
                self.retriever.update([self.posts["m"]])
        if remains.exists():
            self.retriever.close()
            shutil.rmtree(self.home)
            remains.rename(self.home)
            self.start()
            if self.retriever.corpus.get("m") == before.get("m"):
                self.posts = before

    @invariant()
    def equals_a_new_index(self) -> None:
        posts = list(self.posts.values())
        written = (self.folder / JOURNAL_FILE).stat().st_size
        self.states = [state for state in self.states if state[0] < written] + [(written, self.posts)]
        assert_equals_a_new_index(self.retriever, posts)
        anew = HashtagPopularity()
        anew.change((), posts)
        for tag in TAGS:
            assert self.popularity.popularity(tag, NOW) == anew.popularity(tag, NOW)
            assert self.popularity.rise(tag, NOW) == anew.rise(tag, NOW)

    def teardown(self) -> None:
        self.retriever.wait()
        assert_equals_a_new_index(self.retriever, list(self.posts.values()))
        self.retriever.close()
        for patch in self.patches:
            patch.stop()
        shutil.rmtree(self.home)


TestLivingCorpus = LivingCorpus.TestCase
TestLivingCorpus.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


@pytest.mark.slow
def test_readers_see_whole_snapshots_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change adds or removes a pair of equal posts, so a whole state holds as many of one kind as of the other."""
    monkeypatch.setattr(bm25, "MERGED_AT_ONCE", 8)  # merges happen in threads of their own
    pairs = [[Post(f"{side}{i:03}", "alpha beta", (side,)) for side in "ab"] for i in range(150)]
    retriever = BM25Retriever.from_posts([post for pair in pairs[:30] for post in pair])
    wrong: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            hits = retriever.search(["alpha"], 200)[0]
            corpus = retriever.corpus
            ids, counts = [hit.post.id for hit in hits], [corpus.hashtag_count(side) for side in "ab"]
            numbers = [sorted(post_id[1:] for post_id in ids if post_id[0] == side) for side in "ab"]
            if numbers[0] != numbers[1] or len(numbers[0]) not in (30, 31) or len({hit.score for hit in hits}) != 1:
                wrong.append(ids)
            if counts[0] != counts[1] or sum(counts) != len(corpus) != len(list(corpus)):
                wrong.append(counts)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for new, old in zip(pairs[30:], pairs, strict=False):
        retriever.add(new)
        retriever.remove([post.id for post in old])
    retriever.wait()
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert_equals_a_new_index(retriever, [post for pair in pairs[120:] for post in pair])


def test_changes_during_a_merge_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25, "MERGED_AT_ONCE", 4)
    merge, go_on, merging = Index.merge, threading.Event(), threading.Event()

    def slow(index: Index, first: int, last: int) -> Merged:
        merged = merge(index, first, last)
        if threading.current_thread() is not threading.main_thread():
            merging.set()
            go_on.wait(30)
        return merged

    monkeypatch.setattr(Index, "merge", slow)
    posts = [Post(f"{i:02}", f"alpha {WORDS[i % 5]}", (TAGS[i % 3],)) for i in range(30)]
    retriever = BM25Retriever.from_posts(posts[:10])
    retriever.add(posts[10:20])
    assert merging.wait(30)
    for post in posts[20:]:
        retriever.add([post])
    assert len(retriever.corpus.parts) <= 6  # those that come meanwhile are merged, too
    gone = {"03", *(f"{i}" for i in range(11, 30) if i != 20)}  # so few are left that those without a merge were due
    retriever.remove(gone)
    retriever.update([replace(posts[5], text="beta", hashtags=("z",))])
    posts[5] = Post("05", "beta", ("z",))
    expected = [post for post in posts if post.id not in gone]
    assert_equals_a_new_index(retriever, expected)
    go_on.set()
    retriever.wait()
    assert_equals_a_new_index(retriever, expected)
    assert len(retriever.corpus.parts) <= 2


def test_a_failed_merge_does_no_harm(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(bm25, "MERGED_AT_ONCE", 1)
    monkeypatch.setattr(Index, "merge", mock.Mock(side_effect=MemoryError))
    retriever = BM25Retriever.from_posts([FIRST])
    retriever.add([Post("n", "beta")])
    retriever.wait()
    assert "could not be merged" in caplog.text
    assert_equals_a_new_index(retriever, [FIRST, Post("n", "beta")])


def test_readers_do_not_wait_for_a_writer(english_retriever: BM25Retriever, english_posts: list[Post]) -> None:
    retriever = BM25Retriever.from_posts(english_posts)
    found: list[object] = []
    with retriever._writing:
        reader = threading.Thread(target=lambda: found.extend(retriever.search(["cloud"])))
        reader.start()
        reader.join(20)
    assert found == english_retriever.search(["cloud"])


def test_wrong_changes_change_nothing(english_posts: list[Post]) -> None:
    retriever = BM25Retriever.from_posts(english_posts)
    before = retriever.search(["cloud"])
    for wrong, message in (
        ([Post("new", "cloud"), Post("new", "")], "'new' occurs twice"),
        ([Post("new", "cloud", ("Cloud",))], "expected 'cloud'"),
        ([Post("new", "\ud800")], "lone surrogate.*clean_post"),
    ):
        with pytest.raises(ValueError, match=message):
            retriever.add(wrong)
    with pytest.raises(KeyError, match="no post 'new'"):
        retriever.update([english_posts[0], Post("new", "cloud")])
    with pytest.raises(TypeError, match="Give a list of posts or of ids"):
        retriever.remove("e01")
    assert retriever.search(["cloud"]) == before
    assert list(retriever.corpus) == english_posts


@pytest.mark.slow
def test_codes_of_two_and_of_four_bytes_give_the_same_scores() -> None:
    posts = [Post(f"{i}", " ".join(["alpha"] * (1 + i % 20) + ["beta"] * (i // 20))) for i in range(100)]
    growing = BM25Retriever.from_posts(posts[:50])
    with mock.patch("right_hf.retriever.postings.as_codes", lambda codes: codes.astype(np.uint32)):
        growing.add(posts[50:])  # a part with four bytes beside one with two, then merged
    assert growing.search(QUERIES) == BM25Retriever.from_posts(posts).search(QUERIES)


@pytest.mark.parametrize(
    ("sizes", "live", "first", "due"),
    [
        ([], [], 0, None),
        ([9], [9], 0, None),
        ([100, 20], [100, 20], 0, None),
        ([100, 30], [100, 30], 0, (0, 2)),
        ([100, 30], [100, 30], 1, None),
        ([1000, 20, 4, 2], [1000, 20, 4, 2], 0, (1, 4)),
        ([1000, 20, 4, 2], [1000, 20, 4, 2], 2, (2, 4)),
        ([1000, 100, 4], [1000, 70, 4], 0, (1, 2)),
        ([5], [0], 0, (0, 1)),
    ],
)
def test_merges_keep_parts_few(sizes: list[int], live: list[int], first: int, due: tuple[int, int] | None) -> None:
    assert merge_due(sizes, live, first) == due


def test_the_composite_embeds_new_hashtags_before_they_are_suggested(model: RightModel) -> None:
    living = RightModel(
        model.config, BM25Retriever.from_posts(list(model.retriever.corpus)), model.selector, model.generator
    )
    text = "Quantum computers factor numbers"
    post = Post("q1", text, ("quantum computing",))
    living.add([post])
    assert "quantum computing" in living.selector._rows
    [first, *_] = living.trace([text])[0].candidates
    assert (first.hashtag, first.evidence) == ("quantum computing", ("q1",))
    living.update([replace(post, hashtags=("qubits",))])
    assert [found.hashtag for found in living.trace([text])[0].candidates][:1] == ["qubits"]
    living.remove(["q1"])
    assert living.retriever.corpus.hashtag_count("qubits") == 0
    assert all("q1" not in found.evidence for found in living.trace([text])[0].candidates)
    living.retriever = mock.Mock(spec=["search", "corpus", "save_pretrained"])
    with pytest.raises(TypeError, match="cannot change"):
        living.remove(["e01"])
