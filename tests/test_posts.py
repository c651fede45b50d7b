from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.posts import MAX_POST_CHARACTERS, Post, clean_post, normalise_hashtag, read_posts

fragments = st.sampled_from(
    [
        "@",
        "#",
        "＃",
        "http://",
        "https://t.co/x",
        "www.",
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
        ("zero\u200bwidth \ufeffmark", "zerowidth mark"),
        ("😀🎉😀", "😀🎉😀"),
        ("👩\u200d💻 codes", "👩\u200d💻 codes"),
        ("Tom &amp; Jerry &lt;3 &#39;em", "Tom & Jerry <3 'em"),
        ("read https://t.co/AbC?x=1#top now", "read now"),
        ("WWW.Example.org HTTP://x.y", ""),
        ("awww...so cute", "awww...so cute"),  # no address begins inside a word
        ("看http://t.cn/RxYz今天天气很好", "看 今天天气很好"),  # Chinese needs no space after an address
        ("看http://t.cn/RxYz，很好", "看 ，很好"),
        ("@Ann_1 and (@bob): mail a@b.org", "@user and (@user): mail a@b.org"),
        ("#DevOps ##big＃tag C#", "DevOps big tag C"),
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
    assert not set(clean) & set("#＃\x00\n\t\u200b")
    assert clean == " ".join(clean.split())


@given(raw_text.filter(lambda text: "&" not in text))
@example("@a\ufe0f@b #@c http://#x")
def test_cleaning_twice_changes_nothing_more(raw: str) -> None:
    # Entities may be escaped twice ("&amp;amp;"); each cleaning decodes one level of them.
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


def write(folder: Path, *lines: Any) -> Path:
    path = folder / "posts.jsonl"
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines))
    return path


def record(**fields: Any) -> dict[str, Any]:
    return {"id": "p1", "text": "a post", "hashtags": ["tag"], **fields}


def test_read_posts(tmp_path: Path) -> None:
    first = record(text="Tom &amp; @Ann\x00", hashtags=["#Dev  Ops", "dev ops", "#", "Cloud"], created_at="2020-01-01")
    path = write(tmp_path, first, b"  ", record(id="p2", hashtags=[], license="MIT", unknown=1))
    assert read_posts(path) == [
        Post("p1", "Tom & @user", ("dev ops", "cloud"), created_at="2020-01-01"),
        Post("p2", "a post", (), license="MIT"),
    ]
    assert [post.id for post in read_posts(path, licenses=["MIT"])] == ["p2"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Expecting property name"),
        (b'{"id": "p2", "text": "\xff"}', "can't decode byte 0xff"),
        ([1], "expected a JSON object, got list"),
        (record(id=7), '"id" must be a str, got 7'),
        (record(id="p\ud800"), "surrogates not allowed"),
        ({"id": "p2", "hashtags": []}, '"text" must be a str, got None'),
        (record(hashtags="tag"), '"hashtags" must be a list'),
        (record(hashtags=["tag", None]), '"hashtags" must hold strings only'),
        (record(created_at=1577836800), '"created_at" must be a str or null, got 1577836800'),
        (record(license=["MIT"]), '"license" must be a str or null'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: Any, reason: str) -> None:
    path = write(tmp_path, record(), line)
    with pytest.raises(ValueError, match=r"posts\.jsonl, line 2: ") as caught:
        read_posts(path)
    assert reason in str(caught.value)
    assert str(caught.value).endswith("Correct or remove the line.")


def test_unusable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl"):
        read_posts(tmp_path / "nowhere.jsonl")
    with pytest.raises(FileNotFoundError, match="No file of posts"):
        read_posts(tmp_path)
    with pytest.raises(ValueError, match=r"posts\.jsonl holds no posts"):
        read_posts(write(tmp_path))
    with pytest.raises(ValueError, match=r"no posts under one of the licences \['MIT'\]"):
        read_posts(write(tmp_path, record()), licenses={"MIT"})
    with pytest.raises(ValueError, match=r"posts\.jsonl: the id 'p1' occurs twice"):
        read_posts(write(tmp_path, record(), record()))
