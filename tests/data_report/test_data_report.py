from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_report import coverage, describe, find_leaks, split_statistics
from data_report.statistics import guess_language, length
from hypothesis import given
from hypothesis import strategies as st

from right_hf.analysis import english_words
from right_hf.posts import Post
from right_hf.retriever.duplicates import jaccard
from tests.support.command_line import run_script
from tests.support.line_files import write_lines

TRAIN = [
    Post("t1", "Windows Virtual Desktop on Azure", ("wvd", "windows virtual desktop"), created_at="2020-01-01"),
    Post("t2", "Citrix or WVD?", ("wvd",)),
    Post("t3", "Citrix or WVD?", ("citrix",)),
]
TEST = [Post("p1", "Is my Citrix slow", ("citrix", "slow", "vdi")), Post("p2", "Moving day", ("moving",))]


def test_length() -> None:
    assert length("a post  of\tfive words", "en") == 5
    assert length("今天 天气 good", "zh") == 8
    assert length("", "en") == length(" ", "zh") == 0


def test_statistics_by_hand() -> None:
    found = split_statistics(TRAIN, "en")
    assert found.posts == 3
    assert found.hashtags_per_post == pytest.approx(4 / 3)
    assert found.post_length == pytest.approx((5 + 3 + 3) / 3)
    assert found.hashtag_length == pytest.approx((1 + 3 + 1 + 1) / 4)
    assert (found.different_hashtags, found.repeated_texts) == (3, 1)
    assert found.several_hashtags == found.dated == pytest.approx(1 / 3)
    assert split_statistics([], "en").post_length == 0


def test_coverage_by_hand() -> None:
    found = coverage(TEST, TRAIN)
    assert found.seen == pytest.approx(1 / 4)
    assert found.posts == pytest.approx(1 / 2)
    assert found.in_text == pytest.approx(3 / 4)
    assert found.often == 0
    often = [Post(str(number), "t", ("slow", "vdi")) for number in range(5)]
    assert coverage(TEST, often).often == pytest.approx(2 / 4)
    assert coverage(TEST, often[:4]).often == 0


def test_leaks_by_hand() -> None:
    train = [
        Post("a", "warm seas bleach the coral reef faster"),
        Post("b", "bread needs flour water salt yeast"),
        Post("c", "bread needs flour water salt yeast"),
    ]
    test = [
        Post("1", "bread needs flour water salt yeast"),
        Post("2", "Warm seas BLEACH the coral reef faster!"),
        Post("3", "warm seas bleach coral gardens slowly"),
        Post("4", "?!"),
    ]
    [leak] = find_leaks({"train": train, "test": test}, english_words)
    assert (leak.split, leak.other, leak.posts, leak.exact, leak.near) == ("test", "train", 4, 1, 1)
    assert leak.examples == (("1", "b", 1.0), ("2", "a", 1.0))
    with pytest.raises(ValueError, match=r"got 0\."):
        find_leaks({"train": train, "test": test}, english_words, overlap=0)


words = st.lists(st.sampled_from("abcdefgh"), max_size=8).map(" ".join)


@given(st.lists(words, max_size=12), st.lists(words, max_size=6), st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_leaks_are_those_of_comparing_all_with_all(train: list[str], test: list[str], overlap: float) -> None:
    splits = {
        "train": [Post(f"t{i}", text) for i, text in enumerate(train)],
        "test": [Post(f"p{i}", text) for i, text in enumerate(test)],
    }
    [leak] = find_leaks(splits, str.split, overlap)
    exact = [text in train for text in test]
    close = [any(jaccard(text.split(), other.split()) >= overlap for other in train) for text in test]
    assert leak.exact == sum(exact)
    assert leak.near == sum(near and not same for near, same in zip(close, exact, strict=True))
    ids = {post.id: post.text for posts in splits.values() for post in posts}
    for match in leak.examples:
        if ids[match.id] != ids[match.other_id]:
            assert match.overlap == max(jaccard(ids[match.id].split(), other.split()) for other in train)


def test_the_language_is_guessed(english_posts: list[Post], chinese_posts: list[Post]) -> None:
    assert guess_language(english_posts) == describe({"test": english_posts}).language == "en"
    assert guess_language(chinese_posts) == describe({"test": chinese_posts}).language == "zh"
    with pytest.raises(ValueError, match=r"Unknown language 'de'. Known: en, zh"):
        describe({"test": english_posts}, "de")


def test_the_script_describes_line_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = [("the match was lost late", "football [SEP] we lost"), ("fresh bread today", "bread")]
    data = write_lines(tmp_path / "thg", train=train, valid=train[:1], test=[("more bread please", "bread")])
    output = tmp_path / "out" / "report.json"
    options = ["--data", str(data), "--language", "en", "--output", str(output)]
    run_script(["training/describe_data.py", *options], monkeypatch)
    printed = capsys.readouterr().out
    assert "| T-H pairs | 2 | 1 | 1 |" in printed
    assert "| AvgHashtags | 1.50 | 2.00 | 1.00 |" in printed
    assert "| AvgTweetLen (words) | 4.0 | 5.0 | 3.0 |" in printed
    assert "| gold hashtags that occur in train | 100.0 % | 100.0 % | 100.0 % |" in printed
    assert "| validation in train | 1 | 0 | 100.0 % |" in printed
    report = json.loads(output.read_text())
    assert report["statistics"]["train"]["hashtag_length"] == pytest.approx(4 / 3)
    assert [leak["exact"] for leak in report["leaks"]] == [1, 0, 0]
    assert str(tmp_path) not in output.read_text()
