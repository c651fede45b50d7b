from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.text.cleaning import MAX_POST_CHARACTERS, clean_post
from right_hf.text.hashtags import normalise_hashtag

fragments = st.sampled_from(
    [
        "@",
        "#",
        "＃",
        "http://",
        "https://t.co/x",
        "www.",
        "&amp;",
        "&lt;",
        "<br>",
        "user",
        " ",
        "\n",
        "\x00",
        "\u200b",
        "\ud800",
        "天",
        "！",
        "a",
        "_",
    ]
)
raw_text = st.lists(fragments | st.characters()).map("".join)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        (" \t\n\u3000\u2028 ", ""),
        ("a\x00b\x07c", "abc"),
        ("so\ud83dgood\udc00", "sogood"),
        ("zero\u200bwidth \ufeffmark", "zero width mark"),
        ("😀🎉😀", "😀🎉😀"),
        ("👩\u200d💻 codes", "👩\u200d💻 codes"),
        ("Tom &amp; Jerry &lt;3 &#39;em", "Tom & Jerry <3 'em"),
        ("read https://t.co/AbC?x=1#top now", "read now"),
        ("WWW.Example.org HTTP://x.y", ""),
        ("awww...so cute", "awww...so cute"),  # no address begins inside a word
        ("看http://t.cn/RxYz今天天气很好", "看 今天天气很好"),  # Chinese needs no space after an address
        ("看http://t.cn/RxYz，很好", "看 ，很好"),
        ("@Ann_1 and (@bob): mail a@b.org", "@user and (@user): mail @user"),
        ("#DevOps ##big＃tag C#", "Dev Ops big, tag C#"),
        ("#话题#很好", "话题 很好"),
        ("one\r\n\r\ntwo", "one two"),
    ],
)
def test_clean_post(raw: str, clean: str) -> None:
    assert clean_post(raw) == clean


@pytest.mark.parametrize("value", [None, 3, b"bytes", ["a post"], float("nan")])
def test_clean_post_refuses_what_is_not_a_string(value: Any) -> None:
    with pytest.raises(TypeError, match=rf"must be a string, got {type(value).__name__}.*Pass the post's text"):
        clean_post(value)


@pytest.mark.parametrize("raw", ["a" * 100_000, "&amp;" * 20_000, "@" * 100_000, "www." * 25_000, "# " * 50_000])
def test_clean_post_reads_the_first_25000_characters_in_linear_time(raw: str) -> None:
    started = time.process_time()
    clean = clean_post(raw)
    assert time.process_time() - started < 2
    assert clean == clean_post(raw[:MAX_POST_CHARACTERS])
    assert len(clean) <= MAX_POST_CHARACTERS == 25_000


@given(raw_text)
def test_cleaned_posts_can_be_stored_and_hold_nothing_to_clean(raw: str) -> None:
    clean = clean_post(raw)
    assert clean.encode().decode() == clean
    without_code = re.sub(r"(?<![^\W_])[A-Za-z]#", "", clean)  # such as C#
    assert not set(without_code) & set("#＃\x00\n\t\u200b")
    assert clean == " ".join(clean.split())


@given(raw_text)
@example("@a\ufe0f@b #@c http://#x")
@example("&amp;amp;lt;b&amp;gt;")
def test_cleaning_twice_changes_nothing_more(raw: str) -> None:
    clean = clean_post(raw)
    assert clean_post(clean) == clean


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("#Dev  Ops", "dev ops"),
        ("##", ""),
        ("＃话题＃", "话题"),
        ("\x00A\ud800_b", "a_b"),
        ("ÉTÉ", "été"),
        (" C++ ", "c++"),
    ],
)
def test_normalise_hashtag(raw: str, normal: str) -> None:
    assert normalise_hashtag(raw) == normal


@given(raw_text)
def test_normalising_twice_changes_nothing_more(raw: str) -> None:
    assert normalise_hashtag(normalise_hashtag(raw)) == normalise_hashtag(raw)
