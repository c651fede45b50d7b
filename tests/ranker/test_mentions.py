"""What of a post may be a hashtag: those of the corpus, and phrases that it does not have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import BM25Retriever, Corpus, Post
from right_hf.ranker.mentions import MentionFinder, words
from right_hf.text.cleaning import clean_post

STOP = {"the", "in", "a", "and", "of"}
CORPUS = Corpus(
    [
        Post("1", "x", ("dev ops", "ai", "covid 19", "climate change", "change")),
        Post("2", "y", ("感觉自己萌萌哒", "女神", "iphone手机")),
    ]
)


def finder() -> MentionFinder:
    return MentionFinder(lambda word: word.lower() not in STOP)


def known(post: str, corpus: Corpus = CORPUS) -> set[str]:
    return {hashtag for hashtag in finder().find(post, corpus) if corpus.hashtag_count(hashtag)}


def unknown(post: str) -> set[str]:
    return {hashtag for hashtag in finder().find(post, CORPUS) if not CORPUS.hashtag_count(hashtag)}


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ("Our DevOps team", {"dev ops"}),
        ("our dev-ops, or dev ops", {"dev ops"}),
        ("he said so", set()),  # not inside of a word
        ("AI!", {"ai"}),
        ("COVID-19 and Covid19", {"covid 19"}),
        ("Climate change", {"climate change", "change"}),
        ("climates change", {"change"}),
        ("祝福我的女神感觉自己萌萌哒", {"女神", "感觉自己萌萌哒"}),
        ("我的iPhone手机坏了", {"iphone手机"}),
        ("", set()),
    ],
)
def test_hashtags_of_the_corpus(post: str, expected: set[str]) -> None:
    assert known(post) == expected


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ("Visit Main Street", {"visit", "visit main", "visit main street", "main", "main street", "street"}),
        ("the end of the day", {"end", "end of the day", "day"} - {"end of the day"}),  # four words are too many
        ("end of day", {"end", "end of day", "day"}),  # a stop word may stand inside
        ("stop. Go", {"stop", "go"}),  # none goes over a full stop
        ("thanks @user 2024 x", {"thanks", "2024 x"}),  # no mention, number or single letter alone
        ("it's Monday's", {"it's", "monday's", "it's monday's"}),
        ("今天天气很好", set()),
        ("DevOps", set()),  # known under another spelling
    ],
)
def test_phrases_that_the_corpus_does_not_have(post: str, expected: set[str]) -> None:
    assert unknown(post) == expected


def test_where_and_how_it_is_written() -> None:
    found = finder().find("NASA says: Climate change is real", CORPUS)
    mention = found["climate change"]
    assert (mention.position, mention.words) == (pytest.approx(11 / 33), 2)
    assert (mention.capitalised, mention.capitals, mention.ends) == (0.5, 0.0, False)
    assert (found["nasa"].capitals, found["nasa"].position) == (1.0, 0.0)
    assert found["real"].ends


def test_the_corpus_may_change() -> None:
    retriever = BM25Retriever.from_posts([Post("1", "some words", ("old tag",))])
    reader, post = finder(), "an old tag, a new tag"
    assert retriever.corpus.hashtags_since(0) == ["old tag"]
    assert {"old tag": 1, "new tag": 0}.items() <= counts(reader, post, retriever).items()
    retriever.add([Post("2", "other words", ("newtag",))])
    assert retriever.corpus.hashtags_since(1) == ["newtag"]
    assert "new tag" not in counts(reader, post, retriever)  # now it is known how it is written
    assert counts(reader, post, retriever)["newtag"] == 1
    retriever.remove(["1"])
    assert counts(reader, post, retriever)["old tag"] == 0  # a phrase as any other


def counts(reader: MentionFinder, post: str, retriever: BM25Retriever) -> dict[str, int]:
    return {tag: retriever.corpus.hashtag_count(tag) for tag in reader.find(post, retriever.corpus)}


@given(st.text("abAB 天气.@-'’1", max_size=40))
def test_any_text_is_read(post: str) -> None:
    found = finder().find(post, CORPUS)
    text = "".join(character for character in post.lower() if character.isalnum())
    for hashtag, mention in found.items():
        assert hashtag == hashtag.strip().lower() and hashtag
        assert "".join(character for character in hashtag if character.isalnum()) in text
        assert 0 <= mention.position < 1
        assert 1 <= mention.words <= len(words(post))
        assert 0 <= mention.capitals <= 1 and 0 <= mention.capitalised <= 1


SCRIPTS = Corpus([
    Post("1", "x", ("C", "C#", "C++", "F#", ".NET", "node.js", "R", "vitamin C")),
    Post("2", "y", ("हिन्दी", "काल", "café", "wvd", "istanbul", "データ", "می\u200cخواهم", "ภาษาไทย", "မြန်မာ")),
])  # fmt: skip


@pytest.mark.parametrize(
    ("post", "expected"),
    [
        ("Plan C is ready, R!", set()),
        ("I love C# and C++", {"c#", "c++"}),
        ("F#, .NET or Node.JS", {"f#", ".net", "node.js"}),
        ("take vitamin C", {"vitamin c"}),
        ("आज हिन्दी दिवस", {"हिन्दी"}),
        ("कला", set()),  # other marks than काल
        ("cafe\u0301 and CAFÉ", {"café"}),
        ("cafe", set()),
        ("ＷＶＤ in İSTANBUL", {"wvd", "istanbul"}),
        ("ﾃﾞｰﾀ 分析", {"データ"}),
        ("میخواهم and می\u200cخواهم", {"می\u200cخواهم"}),
        ("ฉันรักภาษาไทย", {"ภาษาไทย"}),
        ("မြန်မာစာ", {"မြန်မာ"}),
    ],
)
def test_hashtags_of_any_script_and_of_code(post: str, expected: set[str]) -> None:
    assert known(clean_post(post), SCRIPTS) == expected
