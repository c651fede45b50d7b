"""Posts in columns are the very posts they were made of."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf import corpus_files, post_table
from right_hf.corpus import Corpus
from right_hf.corpus_files import CORPUS_FILE, load_posts, save_posts
from right_hf.hashtag_numbers import HashtagNumbers
from right_hf.post_table import PostTable
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
tags = st.sampled_from(["a", "b b", "ç", "日本", "\U0001f600x"])


@st.composite
def posts_of(draw: Any) -> Post:
    hashtags = draw(st.lists(tags, unique=True, max_size=3))
    spellings = draw(st.one_of(st.just([]), st.lists(texts, min_size=len(hashtags), max_size=len(hashtags))))
    optional = draw(st.tuples(*[st.none() | texts] * 3))
    return Post(draw(texts), draw(texts), tuple(hashtags), *optional, tuple(spellings))


lists = st.lists(posts_of(), max_size=12)


@settings(max_examples=40)
@given(lists, st.data())
def test_a_table_is_the_list_it_was_made_of(posts: list[Post], data: st.DataObject) -> None:
    table = PostTable.of(posts)
    assert len(table) == len(posts) and list(table) == posts and table.texts(1, 3) == [post.text for post in posts[1:4]]
    assert [table[row] for row in range(-len(posts), len(posts))] == posts * 2
    for row in (len(posts), -len(posts) - 1):
        with pytest.raises(IndexError):
            table[row]
    part = data.draw(st.slices(len(posts)))
    rows = data.draw(st.lists(st.integers(0, len(posts) - 1), max_size=9)) if posts else []
    assert list(table[part]) == posts[part]
    assert list(table.take(np.asarray(rows, dtype=np.int64))) == [posts[row] for row in rows]
    assert list(PostTable.join([table, table[part]])) == posts + posts[part]
    for copied in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert list(copied) == posts


@settings(max_examples=40)
@given(lists)
def test_hashtags_and_spellings_are_found_and_counted(posts: list[Post]) -> None:
    numbers = HashtagNumbers()
    numbers.take("came before")
    table = PostTable.of(posts).numbered(numbers)
    assert list(table) == posts
    written = [tag for post in posts for tag in post.hashtags]
    assert [table.names[number] for number in table.numbers()] == written
    assert numbers.names == list(dict.fromkeys(["came before", *written]))
    for number, name in enumerate(numbers.names):
        assert table.carriers(number).tolist() == [row for row, post in enumerate(posts) if name in post.hashtags]
    spelled = [spelling for post in posts for spelling in post.spellings if spelling]
    assert table.spellings() == {spelling: spelled.count(spelling) for spelling in spelled}


@given(st.lists(texts | st.sampled_from(["\uffff", "\U00010000", "a", "a\x00"]), max_size=9))
def test_ids_are_ordered_as_python_orders_strings(ids: list[str]) -> None:
    table = PostTable.of([Post(post_id, "") for post_id in ids])
    assert [ids[row] for row in table.by_id(np.arange(len(ids)))] == sorted(ids)
    ascends = ids == sorted(set(ids))
    assert table.is_ascending() == ascends
    ordered = table.take(table.by_id(np.arange(len(ids))))
    for wanted in [*ids, "b", ""]:
        row = ordered.row(wanted)
        assert (row is None) == (wanted not in ids) and (row is None or ordered[row].id == wanted)


@settings(max_examples=20, deadline=None)
@given(lists, st.integers(1, 5))
def test_files_hold_the_same_posts_in_any_number_of_groups(
    tmp_path_factory: pytest.TempPathFactory, posts: list[Post], group: int
) -> None:
    folder = tmp_path_factory.mktemp("posts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_files, "_GROUP", group)
        save_posts(PostTable.of(posts), folder)
    assert pq.ParquetFile(folder / CORPUS_FILE).num_row_groups == -(-len(posts) // group)
    assert list(load_posts(folder)) == posts


def test_what_an_earlier_version_or_another_hand_wrote_is_put_in_order(tmp_path: Path) -> None:
    """Without the later columns, in any order, with hashtags that are one by now."""
    columns = {
        "id": ["c", "a", "b"],
        "text": ["third", "first", "second"],
        "hashtags": [["covid19", "covid 19"], ["covid-19"], []],
        "created_at": [None, "2020-01-01T00:00:00Z", None],
        "license": [None, None, "MIT"],
    }
    pq.write_table(pa.table(columns), tmp_path / CORPUS_FILE)
    assert list(Corpus.load(tmp_path)) == [
        Post("a", "first", ("covid-19",), "2020-01-01T00:00:00Z"),
        Post("b", "second", license="MIT"),
        Post("c", "third", ("covid-19",), spellings=("covid19",)),
    ]
    columns |= {"id": ["a", "b", "a"]}
    pq.write_table(pa.table(columns), tmp_path / CORPUS_FILE)
    with pytest.raises(ValueError, match="'a' occurs twice"):
        Corpus.load(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hashtags": pa.array([["x", None]], pa.list_(pa.string()))},
        {"text": pa.array([b"\xff"]).view(pa.string())},
    ],
)
def test_holes_and_broken_text_are_refused(tmp_path: Path, wrong: dict[str, pa.Array]) -> None:
    columns = {"id": ["a"], "text": ["t"], "hashtags": [["x"]], "created_at": [None], "license": [None]} | wrong
    pq.write_table(pa.table(columns), tmp_path / CORPUS_FILE)
    with pytest.raises(ValueError, match=r"corpus\.parquet is missing, damaged or no corpus"):
        Corpus.load(tmp_path)


def test_opening_an_index_makes_no_post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    posts = [Post(f"{i}", f"alpha w{i}", (f"tag {i % 3}",)) for i in range(9)]
    BM25Retriever.from_posts(posts).save_pretrained(tmp_path / "index")
    made: list[Post] = []
    monkeypatch.setattr(post_table, "Post", lambda *fields: made.append(Post(*fields)) or made[-1])
    retriever = BM25Retriever.from_pretrained(tmp_path / "index")
    assert retriever.corpus.hashtag_count("tag 1") == 3 and retriever.corpus.place("5") is not None
    assert made == []
    assert [hit.post for hit in retriever.search(["w4"])[0]] == made == [posts[4]]
    retriever.add([Post("new", "beta", ("tag 1",))])
    assert retriever.search(["w4"])[0][0].post is made[0]  # it is kept, for some posts are found again and again
