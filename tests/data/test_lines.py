from __future__ import annotations

import gzip
import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.corpus import Corpus
from right_hf.data import load_split
from right_hf.data.lines import content_id, iter_line_posts, split_hashtags
from right_hf.posts import Post, clean_post, normalise_hashtag, wrong_with_hashtag
from right_hf.text.hashtags import hashtag_key
from tests.support.line_files import write_lines

line_text = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"])).filter(str.strip)
hashtag_text = line_text.map(normalise_hashtag).filter(lambda tag: tag and not wrong_with_hashtag(tag))


def read(folder: Path) -> list[Post]:
    return list(iter_line_posts(folder / "train.src", folder / "train.dst"))


@pytest.mark.parametrize(
    ("line", "hashtags"),
    [
        ("wvd", ["wvd"]),
        ("wvd [SEP] windows virtual desktop", ["wvd", "windows virtual desktop"]),
        ("[SEP]a[SEP][SEP] b [SEP]", ["a", "b"]),
        ("a [sep] b", ["a [sep] b"]),
        ("", []),
        ("[SEP]", []),
    ],
)
def test_split_hashtags(line: str, hashtags: list[str]) -> None:
    assert split_hashtags(line) == hashtags


@example([("\ufeff", ["0"]), ("0", ["\ufeff", ":"]), ("1", [":", "x", "x."])])
@given(st.lists(st.tuples(line_text, st.lists(hashtag_text, min_size=1, max_size=4)), max_size=6))
def test_what_is_written_is_read(pairs: list[tuple[str, list[str]]]) -> None:
    pairs = [("first", ["first"]), *pairs]  # a byte order mark would belong to the file where it comes first
    expected: dict[tuple[str, tuple[str, ...]], None] = {}
    for text, hashtags in pairs:
        firsts = {hashtag_key(tag): tag for tag in reversed(hashtags) if hashtag_key(tag)}
        tags = tuple(tag for tag in hashtags if firsts.pop(hashtag_key(tag), None) is not None)
        if clean_post(text) and tags:
            expected[clean_post(text), tags] = None
    with tempfile.TemporaryDirectory() as folder:
        posts = read(write_lines(Path(folder), train=[(text, " [SEP] ".join(tags)) for text, tags in pairs]))
    assert [(post.text, post.hashtags) for post in posts] == list(expected)
    assert len(Corpus(posts)) == len({post.id for post in posts}) == len(posts)


def test_ids_do_not_depend_on_the_order_of_lines(tmp_path: Path) -> None:
    pairs = [("first post", "a"), ("second post", "b [SEP] c"), ("first post", "c")]
    there = {post.id: post for post in read(write_lines(tmp_path / "1", train=pairs))}
    back = {post.id: post for post in read(write_lines(tmp_path / "2", train=pairs[::-1]))}
    assert there == back
    assert len(there) == 3


def test_the_id_of_a_post_never_changes() -> None:
    # Results and records name posts by these ids.
    assert content_id(Post("", "a post", ("b", "c"))) == content_id(Post("other", "a post", ("b", "c"), license="MIT"))
    assert content_id(Post("", "天气很好", ("天气",))) == "a1e6755562a8017a52a5"


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    (tmp_path / "train.src").write_bytes("\ufeffone\u2028two\x85three\x0bfour\rfive\r\nsix".encode())
    (tmp_path / "train.dst").write_bytes(b"a\r\nb\r\n")
    assert [(post.text, post.hashtags) for post in read(tmp_path)] == [
        ("one two three four five", ("a",)),
        ("six", ("b",)),
    ]


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["", "_after_cleaning.txt"])
def test_other_codings_and_gzip_are_read(tmp_path: Path, coding: str, ending: str) -> None:
    for side, text in (("src", "天气\n很好\n"), ("dst", "天\n好\n")):
        (tmp_path / f"train.{side}{ending}.gz").write_bytes(gzip.compress(text.encode(coding)))
    [first, second] = load_split(tmp_path, "train")
    assert (first.text, second.text, second.hashtags) == ("天气", "很好", ("好",))


def test_posts_without_text_or_hashtags_are_left_out_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [("kept", "a"), ("https://t.co/x", "a"), ("", ""), ("no hashtag", "[SEP] # [SEP]"), ("kept", "A[SEP]a")]
    with caplog.at_level(logging.WARNING):
        posts = read(write_lines(tmp_path, train=pairs))
    assert [post.text for post in posts] == ["kept"]
    assert "train.src: left out 2 posts" in caplog.text
    assert "lines 2, 4." in caplog.text


@pytest.mark.parametrize(
    ("src", "dst", "reason"),
    [
        (b"a\nb\n", b"x\n", r"train\.src has 2 lines, but .*train\.dst has 1.*Restore"),
        (b"a\nb\n", b"x\ny\nz", r"train\.src has 2 lines, but .*train\.dst has 3"),
        (b"a\n\xff\xfe\n", b"x\ny\n", r"train\.src, line 2: expected UTF-8 .*0xff.*Convert"),
        (b"a\nb\n", "x\n天".encode("gbk"), r"train\.dst, line 2: expected UTF-8"),
        (b"a\n \nc\n", b"x\ny\nz\n", r"train\.src, line 2 is empty, but not that of .*train\.dst\. Fill or remove"),
        (b"a\nb\n", b"x\n\n", r"train\.dst, line 2 is empty, but not that of .*train\.src"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, src: bytes, dst: bytes, reason: str) -> None:
    (tmp_path / "train.src").write_bytes(src)
    (tmp_path / "train.dst").write_bytes(dst)
    with pytest.raises(ValueError, match=reason):
        read(tmp_path)


@pytest.mark.parametrize("missing", ["train.src", "train.dst"])
def test_a_missing_half_is_named(tmp_path: Path, missing: str) -> None:
    (write_lines(tmp_path, train=[("a", "b")]) / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing.replace(".", r"\.")):
        read(tmp_path)
