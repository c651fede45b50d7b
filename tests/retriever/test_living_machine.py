"""Whatever happens to a living corpus, crashes included: it equals an index built anew from its posts."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from right_hf.layout import JOURNAL_FILE
from right_hf.popularity import DAY, HashtagPopularity
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, merging
from right_hf.retriever.journal import encode_change
from tests.support.living import FIRST, TAGS, WORDS, assert_equals_a_new_index, dying

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
        self.patches = [mock.patch.object(merging, "MERGED_AT_ONCE", 4), mock.patch("os.fsync")]
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
        line = encode_change([replace(new, id="new")], ["m", "new"])
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
