from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from right_hf.corpus import Corpus
from right_hf.corpus_files import CORPUS_FILE
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.spelling.counts import SPELLINGS_FILE, SpellingCounts
from right_hf.spelling.variant_table import VARIANTS_FILE
from right_hf.spelling.variants import Merge

POSTS = [
    Post("b", "second 你好", ("x", "y"), created_at="2020-01-01T00:00:00Z", license="MIT"),
    Post("a", "first"),
    Post("B", "", ("x",)),
]


def test_posts_are_ordered_by_id_whatever_order_they_came_in() -> None:
    corpus = Corpus(POSTS)
    assert [post.id for post in corpus] == ["B", "a", "b"]
    assert list(corpus) == list(Corpus(POSTS[::-1]))
    assert (len(corpus), corpus[2], corpus.row("b"), corpus.row("c")) == (3, POSTS[0], 2, None)
    assert corpus.hashtags == ["x", "y"]


def test_save_and_load(tmp_path: Path) -> None:
    Corpus(POSTS).save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CORPUS_FILE, SPELLINGS_FILE, VARIANTS_FILE}
    loaded = Corpus.load(tmp_path)
    assert list(loaded) == list(Corpus(POSTS))
    assert loaded.row("a") == 1


def test_a_corpus_needs_posts_with_distinct_ids() -> None:
    with pytest.raises(ValueError, match="at least one post"):
        Corpus([])
    with pytest.raises(ValueError, match="'a' occurs twice"):
        Corpus([*POSTS, POSTS[1]])
    empty = Post("", "a post whose id is empty")
    with pytest.raises(ValueError, match="'' occurs twice"):
        Corpus([empty, empty])
    with pytest.raises(ValueError, match="already holds the post ''"):
        Corpus([empty]).changed([empty])


@pytest.mark.parametrize("content", [None, b"", b"no parquet at all", "truncated"])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | str | None) -> None:
    Corpus(POSTS).save(tmp_path)
    path = tmp_path / CORPUS_FILE
    if content is None:
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(ValueError, match=r"corpus\.parquet is missing, damaged or no corpus.*index again"):
        Corpus.load(tmp_path)


@pytest.mark.parametrize(
    "columns",
    [
        {"other": [1]},
        {"id": ["a", "b"], "text": ["", ""], "created_at": ["", ""], "license": ["", ""]},
        {"id": ["a"], "text": [None], "hashtags": [["x"]], "created_at": [None], "license": [None]},
        {"id": ["a"], "text": ["t"], "hashtags": ["x"], "created_at": [None], "license": [None]},
    ],
)
def test_a_file_with_other_columns_or_holes_is_refused(tmp_path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), tmp_path / CORPUS_FILE)
    with pytest.raises(ValueError, match=r"corpus\.parquet is missing, damaged or no corpus"):
        Corpus.load(tmp_path)


def test_hashtags_of_one_key_count_together_whatever_their_spelling() -> None:
    corpus = Corpus([
        Post("1", "a", ("covid 19",)),
        Post("2", "b", ("COVID19",)),
        Post("3", "c", ("#Covid-19", "covid19")),
        Post("4", "d", ("Cafe\u0301",)),
        Post("5", "e", ("café",)),
        Post("6", "f", ("İSTANBUL", "ＷＶＤ", "ﾃﾞｰﾀ")),
        Post("7", "g", ("istanbul", "wvd", "データ")),
    ])  # fmt: skip
    assert corpus.hashtags == ["café", "covid 19", "istanbul", "wvd", "データ"]
    for hashtag, count in (
        ("COVID_19", 3),
        ("covid 19", 3),
        ("cafe\u0301", 2),
        ("ıstanbul", 2),
        ("#WVD", 2),
        ("データ", 2),
    ):
        assert corpus.hashtag_count(hashtag) == count
    assert [post.id for post in corpus.carriers("#covid19")] == ["3", "2", "1"]
    assert corpus.form("COVID-19") == "covid 19"
    assert corpus.form("Unknown") == "Unknown"
    assert corpus.get("3") == Post("3", "c", ("covid 19",), spellings=("Covid-19",))


def test_languages_of_code_are_different_hashtags() -> None:
    corpus = Corpus(
        [Post("1", "a", ("C", "C#", "C++", "F#", ".NET", "R")), Post("2", "b", ("csharp", "cpp", "vitamin C"))]
    )
    counts = {"C": 1, "c#": 2, "C++": 2, "F#": 1, "dotnet": 1, "R": 1, "vitaminc": 1, "net": 0}
    assert {hashtag: corpus.hashtag_count(hashtag) for hashtag in counts} == counts
    assert corpus.get("1") == Post(
        "1", "a", ("c", "c#", "c++", "f#", ".net", "r"), spellings=("C", "C#", "C++", "F#", ".NET", "R")
    )


def test_variants_are_kept_apart_and_counted_as_one_until_their_line_is_deleted(tmp_path: Path) -> None:
    posts = [Post("1", "a", ("bot",)), Post("2", "b", ("bots",)), Post("3", "c", ("Bot", "robots"))]
    corpus = Corpus(posts, [Merge("bots", "bot")])
    assert corpus.hashtags == ["bot", "bots", "robots"]
    assert [corpus.hashtag_count(tag) for tag in ("bot", "bots")] == [2, 1]
    assert [corpus.variants_count(tag) for tag in ("bot", "bots", "robots", "none")] == [3, 3, 1, 0]
    corpus.save(tmp_path)
    assert Corpus.load(tmp_path).variants_count("bots") == 3
    lines = (tmp_path / VARIANTS_FILE).read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / VARIANTS_FILE).write_text("".join(line for line in lines if not line.startswith("bots")), "utf-8")
    assert Corpus.load(tmp_path).variants_count("bots") == 1
    (tmp_path / VARIANTS_FILE).write_text("robots\tbot\n", "utf-8")
    assert Corpus.load(tmp_path).variants_count("robots") == 3


def test_spellings_are_counted_kept_and_follow_changes(tmp_path: Path) -> None:
    posts = [Post("1", "a", ("IoT",)), Post("2", "b", ("iot", "IoT")), Post("3", "c", ("#IOT",), spellings=("IoT",))]
    corpus = Corpus(posts, spellings=SpellingCounts({"iot": 5}))
    assert corpus.spellings.of("iot") == {"IoT": 3, "iot": 5}  # what is in lower case may have been made so
    corpus.save(tmp_path)
    assert Corpus.load(tmp_path).spellings == corpus.spellings
    retriever = BM25Retriever(corpus)
    retriever.add([Post("4", "d", ("IoT",)), Post("5", "e", ("IOT",))])
    retriever.remove(["1"])
    assert retriever.corpus.spellings.of("iot") == {"IoT": 3, "IOT": 1, "iot": 5}


def test_preparing_what_a_corpus_holds_changes_nothing() -> None:
    raw = [Post("1", "see #BigData &amp; http://x.org", ("#BigData", "a_b"), "2021-06-07T11:00:00+02:00"), *POSTS]
    corpus = Corpus(raw)
    assert list(Corpus(corpus)) == list(corpus)
    assert corpus.get("1") == Post(
        "1", "see Big Data &", ("big data", "a_b"), "2021-06-07T09:00:00Z", spellings=("BigData", "")
    )
