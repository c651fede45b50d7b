"""A table is searched and asked like an index in memory: the same hits, scores and counts."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from right_hf import BM25Retriever, Corpus, DenseRetriever, HybridRetriever, Post
from right_hf.completion import HashtagCompletion
from right_hf.popularity import Freshness, HashtagPopularity
from right_hf.ranker.features import RETRIEVERS
from right_hf.retriever import LanceRetriever
from right_hf.spelling.variants import Merge
from right_hf.times import DAY, HOUR, seconds

WORDS = ["alpha", "beta", "gamma", "it's", "c++", "the", "Über", "京都", "x"]
TAGS = ["iot", "IoT", "machine learning", "#MachineLearning", "it's", "京都", "o'hara day"]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)
made = st.builds(
    lambda text, tags, hour: Post("", text, tuple(tags), f"2024-05-{1 + hour // 24:02}T{hour % 24:02}:30:00Z"),
    texts,
    st.lists(st.sampled_from(TAGS), max_size=3, unique=True),
    st.integers(0, 200),
)
corpora = st.lists(made, min_size=1, max_size=30).map(
    lambda posts: [Post("m", "alpha"), *(replace(post, id=f"{row:03}") for row, post in enumerate(posts))]
)
NOW = seconds("2024-05-06T00:00:00Z") or 0.0


def in_memory(posts: list[Post], **settings: float) -> BM25Retriever:
    return BM25Retriever.from_posts(sorted(posts, key=lambda post: post.id), **settings)


def assert_alike(table: LanceRetriever, memory: BM25Retriever, queries: list[str]) -> None:
    """Compares everything that the other parts of a model ask, but for orders that tell which post came first."""
    assert (len(table.corpus), table.k1, table.b) == (len(memory.corpus), memory.k1, memory.b)
    assert sorted(table.corpus, key=lambda post: post.id) == list(memory.corpus)
    for k in (1, 4, 100):
        hidden = [{"000", "none"}] * len(queries)
        assert table.search(queries, k) == memory.search(queries, k)  # to the last bit of each score
        assert table.search(queries, k, hidden) == memory.search(queries, k, hidden)
    for words in (*WORDS, *queries):
        assert (table.idf(words), table.holders(words)) == (memory.idf(words), memory.holders(words))
    assert table.corpus.hashtag_counts() == memory.corpus.hashtag_counts()
    for tag in (*TAGS, "none", *memory.corpus.hashtags):
        here, there = table.corpus, memory.corpus
        assert (here.hashtag_count(tag), here.form(tag)) == (there.hashtag_count(tag), there.form(tag))
        assert here.spellings.of(tag) == there.spellings.of(tag)
        assert sorted(post.id for post in here.carriers(tag, 99)) == sorted(post.id for post in there.carriers(tag, 99))
        assert here.beside(tag, 99) == there.beside(tag, 99)
        assert here.variants_count(tag) == there.variants_count(tag)


def ways_to_count(retriever: BM25Retriever | LanceRetriever) -> tuple[object, ...]:
    days, fresh = HashtagPopularity(), Freshness()
    days.follow(retriever)
    fresh.follow(retriever)
    completed = HashtagCompletion(retriever).complete("", 99)
    hours = [fresh.in_hours(NOW + hours * HOUR) for hours in range(-48, 24, 5)]
    return days.popularities(NOW), days.rising(NOW + DAY), hours, fresh.in_days("iot", NOW), completed


@settings(max_examples=15)
@given(posts=corpora, queries=st.lists(texts, min_size=1, max_size=3), k1=st.sampled_from([0.0, 1.2, 1.5, 3.0]))
def test_a_table_answers_as_an_index_in_memory(posts: list[Post], queries: list[str], k1: float) -> None:
    memory = in_memory(posts, k1=k1, b=0.6)
    with tempfile.TemporaryDirectory() as home:
        table = LanceRetriever.from_posts(memory.corpus, Path(home) / "table", k1=k1, b=0.6)
        assert_alike(table, memory, queries)
        assert ways_to_count(table) == ways_to_count(memory)


@settings(max_examples=10)
@given(posts=corpora, data=st.data())
def test_after_changes_too(posts: list[Post], data: st.DataObject) -> None:
    present = {post.id: post for post in in_memory(posts).corpus}
    with tempfile.TemporaryDirectory() as home:
        LanceRetriever.from_posts(posts, Path(home) / "table")
        with closing(LanceRetriever.open(Path(home) / "table")) as table:
            counts = HashtagPopularity()
            counts.follow(table)
            counts.popularities(NOW)
            completion = HashtagCompletion(table)
            for step in range(data.draw(st.integers(1, 6))):
                ids = data.draw(st.lists(st.sampled_from(sorted(present)), max_size=3, unique=True))
                new = data.draw(st.lists(made, max_size=3))
                match data.draw(st.sampled_from(["add", "update", "remove", "compact"])):
                    case "add":
                        added = [replace(post, id=f"n{step}-{row}") for row, post in enumerate(new)]
                        table.add(added)
                        present |= {post.id: post for post in added}
                    case "update":
                        changed = [replace(post, id=post_id) for post_id, post in zip(ids, new, strict=False)]
                        table.update(changed)
                        present |= {post.id: post for post in changed}
                    case "remove" if len(ids) < len(present) - 1 and "m" not in ids:
                        table.remove(ids)
                        present = {post_id: post for post_id, post in present.items() if post_id not in ids}
                    case _:
                        table.compact()
            # As forms go by who came first, both begin with those of the table.
            memory = in_memory([*map(present.get, sorted(present))])  # type: ignore[list-item]
            reader = LanceRetriever.from_pretrained(Path(home) / "table")
            for retriever in (table, reader):
                assert {hit.post.id for hit in retriever.search(["alpha beta"], 100)[0]} == {
                    hit.post.id for hit in memory.search(["alpha beta"], 100)[0]
                }
                scores = [hit.score for hit in retriever.search(["京都 gamma it's"], 100)[0]]
                assert scores == [hit.score for hit in memory.search(["京都 gamma it's"], 100)[0]]
                for tag in TAGS:
                    assert retriever.corpus.hashtag_count(tag) == memory.corpus.hashtag_count(tag)
                    assert sum(retriever.corpus.spellings.of(tag).values()) == memory.corpus.spellings.total(tag)
            anew = HashtagPopularity()
            anew.follow(reader)
            assert counts.popularities(NOW) == anew.popularities(NOW)
            assert completion.complete("", 99) == HashtagCompletion(reader).complete("", 99)


def test_repeated_words_of_a_query_count_as_often(tmp_path: Path) -> None:
    posts = [Post("a", "go go erlang"), Post("b", "go erlang erlang"), Post("c", "go"), Post("d", "other")]
    table = LanceRetriever.from_posts(posts, tmp_path / "table")
    for query in ("go go go erlang", "erlang erlang go", "go"):
        assert table.search([query]) == in_memory(posts).search([query])


def test_hybrid_search_is_that_of_a_hybrid(
    english_posts: list[Post], dense_retriever: DenseRetriever, tmp_path: Path
) -> None:
    table = LanceRetriever.from_posts(english_posts, tmp_path / "table", encoder=dense_retriever.encoder)
    hybrid = HybridRetriever(in_memory(english_posts), dense_retriever)
    for query in ("warm seas", "sourdough bread in a warm kitchen"):
        assert [hit.post.id for hit in table.search([query], 5)[0]] == [
            hit.post.id for hit in hybrid.search([query], 5)[0]
        ]
        parts, expected = table.search_parts([query], 5), hybrid.search_parts([query], 5)
        assert set(parts) == set(RETRIEVERS)
        assert parts["bm25"][0][:5] == expected["bm25"][0][:5]
        cosines = {hit.post.id: hit.score for hit in expected["dense"][0]}
        assert all(abs(cosines[hit.post.id] - hit.score) < 2e-3 for hit in parts["dense"][0])


def test_variants_and_spellings_of_elsewhere_move_with_a_corpus(tmp_path: Path) -> None:
    from right_hf.spelling.counts import SpellingCounts

    posts = [Post("a", "robots", ("bots",)), Post("b", "a robot", ("bot",)), Post("c", "robots again", ("bot",))]
    corpus = Corpus(posts, [Merge("bots", "bot")], SpellingCounts({"BOT": 3}))
    table = LanceRetriever.from_posts(
        corpus, tmp_path / "table", variants=corpus.forms.variants, spellings=corpus.spelled_elsewhere
    )
    again = LanceRetriever.from_pretrained(tmp_path / "table").corpus
    for found in (table.corpus, again):
        assert (found.variants_count("bots"), found.hashtag_count("bots")) == (3, 1)
        assert found.spellings.of("bot") == corpus.spellings.of("bot") == {"BOT": 3}
        assert found.spellings.keys() == corpus.spellings.keys()


@pytest.mark.parametrize("text", ["", "the", "⌘⌘"])
def test_a_query_without_known_terms_finds_nothing(english_posts: list[Post], tmp_path: Path, text: str) -> None:
    assert LanceRetriever.from_posts(english_posts, tmp_path / "table").search([text]) == [[]]


def test_popularity_forgets_no_hours_that_are_asked_for(tmp_path: Path) -> None:
    """However times jump to and fro, while only so many windows are kept."""
    posts = [Post(f"{day:02}", f"alpha {day}", ("x",), f"2024-05-{day + 1:02}T12:00:00Z") for day in range(30)]
    popularities = [HashtagPopularity(window=DAY, history=3) for _ in range(2)]
    popularities[0].follow(LanceRetriever.from_posts(posts, tmp_path / "table"))
    popularities[1].follow(in_memory(posts))
    first = seconds("2024-05-01T18:00:00Z") or 0.0
    for day in (3, 6, 9, 12, 15, 2, 4, 29, 3, 14, 13, 1):
        table, memory = (one.popularity("x", first + day * DAY) for one in popularities)
        assert table == memory
