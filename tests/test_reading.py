from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from right_hf import DEFAULT_CHECKPOINT, RightModel
from right_hf.posts import Post
from right_hf.reading import Reader
from right_hf.retriever import BM25Retriever
from right_hf.text.cleaning import clean_post

#: Enough other posts that words have weights.
OTHERS = [
    Post(f"o{row}", text, ("other",))
    for row, text in enumerate(
        ["machine learning is fun", "learning to swim", "a machine that sews", "i love the sea", "climate and change"]
        * 4
    )
]
PARTS = st.sampled_from([
    *("#MachineLearning", "#machinelearning", "#StaySafe", "#WearAMask", "#COVID19", "#snake_case", "#C#", "#हिन्दी"),
    *("https://t.co/aB1", "&amp;", "&lt;3", "@ann", "C++", ".NET", "node.js", "क", "data", "ﾃﾞｰﾀ", "می\u200cخواهم"),
    *("cafe\u0301", "machine", "learning", "it's", "+49 30 1234567", "天气很好", "ภาษาไทย", "IoT", "x_y", "👍", "!"),
])  # fmt: skip
RAW = st.lists(PARTS, min_size=1, max_size=7).map(" ".join)
ANALYSERS = ["unicode", "english", "chinese"]


@pytest.fixture(scope="module")
def embedded() -> RightModel:
    return RightModel.from_pretrained(DEFAULT_CHECKPOINT)


@pytest.mark.parametrize("analyser", ANALYSERS)
@settings(max_examples=40)
@given(raw=RAW)
@example(raw=" ".join(["#machinelearning"] * 7))
def test_the_same_raw_text_finds_its_post_first(analyser: str, raw: str) -> None:
    retriever = BM25Retriever.from_posts([*OTHERS, Post("it", raw, ("it",))], analyser=analyser)
    reading = Reader(retriever).read(raw)
    for query in (clean_post(raw), reading.query):
        hits = retriever.search([query])[0]
        assume(hits)  # nothing but signs
        best = [hit.post.id for hit in hits if hit.score == hits[0].score]
        assert "it" in best, (query, retriever.corpus.get("it"))


@pytest.mark.parametrize(
    ("raw", "text", "query"),
    [
        ("#machinelearning today", "machine learning today", "machine learning today machinelearning"),
        ("#MachineLearning today", "Machine Learning today", "Machine Learning today"),
        ("machinelearning today", "machinelearning today", "machinelearning today"),
        ("#climatechange", "climate change", "climate change climatechange"),
        ("#qwertyuiop", "qwertyuiop", "qwertyuiop"),
        ("#sea", "sea", "sea"),
    ],
)
def test_a_hashtag_in_a_post_is_cut_into_words_that_the_corpus_knows(raw: str, text: str, query: str) -> None:
    reading = Reader(BM25Retriever.from_posts(OTHERS)).read(raw)
    assert (reading.text, reading.query) == (text, query)


def test_a_hashtag_of_the_corpus_is_read_in_its_form() -> None:
    posts = [*OTHERS, *(Post(f"w{row}", "new desktop", ("windows virtual desktop",)) for row in range(9))]
    reading = Reader(BM25Retriever.from_posts(posts)).read("#windowsvirtualdesktop is out")
    assert (reading.text, reading.hashtags) == ("windows virtual desktop is out", ("windowsvirtualdesktop",))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *(("", False), ("😀", False), ("skip", False), ("the of and", False), ("a", False), ("C", False)),
        *(("other", True), ("machine learning", True), ("swim swim", False), ("swim qwert", True)),
    ],
)
def test_whether_there_is_enough_to_go_by(text: str, says: bool) -> None:
    assert Reader(BM25Retriever.from_posts(OTHERS)).says_something(text) is says


def scores(model: RightModel, post: str) -> dict[str, float]:
    found = model.recommend([post], top_k=100, include_present=True, style="words")[0]
    return {one.hashtag: one.score for one in found}


def test_a_hashtag_in_a_post_counts_like_its_words(embedded: RightModel) -> None:
    for post, plain in (
        ("#MachineLearning today", "Machine Learning today"),
        ("#machinelearning today", "machine learning today"),
        ("#machine_learning today", "machine learning today"),
    ):
        expected = scores(embedded, plain)["machine learning"]
        assert scores(embedded, post)["machine learning"] == pytest.approx(expected, abs=0.05)


def test_hashtags_side_by_side_are_no_phrase(embedded: RightModel) -> None:
    [found] = embedded.recommend(["#StaySafe #WearAMask"], top_k=100, include_present=True)
    posted = [one.posted for one in found]
    assert {"#StaySafe", "#WearAMask"} <= set(posted)
    assert not {"#SafeWear", "#StaySafeWear", "#SafeWearA"} & set(posted)
    assert {one.posted for one in found if one.present} == {"#StaySafe", "#WearAMask"}
    [rest] = embedded.recommend(["#StaySafe #WearAMask"], top_k=100)
    assert [one.posted for one in rest] == [one.posted for one in found if not one.present][: len(rest)]
    assert not any(one.present for one in rest)


#: Beside "machine learning": what is posted, and the words in it that nobody may be shown.
PRIVATE = {
    "bob.smith@secretive.org": "bob smith secretive org",
    "@alicia@mastodon.social": "alicia mastodon social",
    "@bobby.bsky.social": "bobby bsky social",
    "secretive.com/deeper/page": "secretive com deeper page",
    "ftp://secretive.org/deeper": "ftp secretive org deeper",
    "<https://secretive.org/deeper>": "https secretive org deeper",
    "https://secretive.org/one,deeper=1,two=2": "https secretive org one deeper two",
    "+49 30 1234567": "49 30 1234567",
    "4111 1111 1111 1111": "4111 1111",
    "&notable;": "able",
}


@pytest.mark.parametrize(("written", "pieces"), PRIVATE.items())
def test_no_piece_of_what_is_private_is_suggested(embedded: RightModel, written: str, pieces: str) -> None:
    gap = "" if written.startswith("<") else " "
    found = scores(embedded, f"machine learning {written}{gap}machine robots")
    assert found["machine learning"] > 0.2
    assert "robots" in found
    assert not {word for hashtag in found for word in hashtag.split()} & set(pieces.split())


@pytest.mark.parametrize("post", ["😀", "skip", "#️⃣", "https://t.co/abc", "@ann", "the of and", "…", "\u200d"])
def test_a_post_with_nothing_to_go_by_has_no_hashtags(embedded: RightModel, post: str) -> None:
    assert embedded.recommend([post], include_present=True) == [[]]
