"""A corpus that changes while it serves: changes, merges and readers beside one another."""

from __future__ import annotations

import threading
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

from right_hf import DenseRetriever, RightModel
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever, merging
from right_hf.retriever.index import Index, Merged, merge_due
from tests.support.living import FIRST, QUERIES, TAGS, WORDS, assert_equals_a_new_index


@pytest.mark.slow
def test_readers_see_whole_snapshots_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change adds or removes a pair of equal posts, so a whole state holds as many of one kind as of the other."""
    monkeypatch.setattr(merging, "MERGED_AT_ONCE", 8)  # merges happen in threads of their own
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
    monkeypatch.setattr(merging, "MERGED_AT_ONCE", 4)
    merge, go_on, begun = Index.merge, threading.Event(), threading.Event()

    def slow(index: Index, first: int, last: int) -> Merged:
        merged = merge(index, first, last)
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            go_on.wait(30)
        return merged

    monkeypatch.setattr(Index, "merge", slow)
    posts = [Post(f"{i:02}", f"alpha {WORDS[i % 5]}", (TAGS[i % 3],)) for i in range(30)]
    retriever = BM25Retriever.from_posts(posts[:10])
    retriever.add(posts[10:20])
    assert begun.wait(30)
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
    monkeypatch.setattr(merging, "MERGED_AT_ONCE", 1)
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
        ([Post("new", "cloud", ("",))], "must hold a letter or a digit"),
        ([Post("new", "cloud", ("-",))], "must hold a letter or a digit"),
        ([Post("new", "cloud", ("cloud", "@alice"))], "must be no account"),
        ([Post("new", "cloud", ("<b>",))], "hold no markup"),
        ([Post("new", "cloud", ("\ud800cloud",))], "lone surrogate.*Nothing was changed"),
    ):
        with pytest.raises(ValueError, match=message):
            retriever.add(wrong)
    with pytest.raises(KeyError, match="no post 'new'"):
        retriever.update([english_posts[0], Post("new", "cloud")])
    with pytest.raises(TypeError, match="Give a list of posts or of ids"):
        retriever.remove("e01")
    assert retriever.search(["cloud"]) == before
    assert list(retriever.corpus) == english_posts


def test_posts_come_from_any_iterable(english_posts: list[Post], dense_retriever: DenseRetriever) -> None:
    expected = BM25Retriever.from_posts(english_posts).corpus
    for retriever in (
        BM25Retriever.from_posts(iter(english_posts)),
        DenseRetriever.from_posts(iter(english_posts), dense_retriever.encoder),
    ):
        assert list(retriever.corpus) == english_posts
        assert [*map(retriever.corpus.hashtag_count, expected.hashtags)] == [
            *map(expected.hashtag_count, expected.hashtags)
        ]


def test_a_model_takes_changes_from_any_iterable(model: RightModel) -> None:
    living = RightModel(model.config, BM25Retriever.from_posts(model.retriever.corpus), model.selector)
    living.add(iter([Post("q1", "Quantum computers factor numbers", ("shor",))]))
    assert living.retriever.corpus.hashtag_count("shor") == 1
    living.update(iter([Post("q1", "Quantum computers factor numbers", ("qubit",))]))
    assert living.retriever.corpus.hashtag_count("qubit") == 1
    living.remove(iter(["q1"]))
    assert living.retriever.corpus.get("q1") is None
    for wrong in (Post("q1", ""), "q1"):
        with pytest.raises(TypeError, match="Give a list of posts or of ids"):
            living.add(wrong)  # type: ignore[arg-type]


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


def test_the_composite_embeds_new_hashtags_before_they_are_suggested(
    model: RightModel, dense_retriever: DenseRetriever
) -> None:
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
    living.retriever = dense_retriever
    with pytest.raises(TypeError, match="cannot change"):
        living.remove(["e01"])
