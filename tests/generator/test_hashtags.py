from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.generator.hashtags import MAX_HASHTAGS, MAX_WORDS, is_hashtag, parse_hashtags
from right_hf.posts import normalise_hashtag

ANSWERS = {
    "the form asked for": ("#Dev Ops #Cloud Migration", ["dev ops", "cloud migration"]),
    "one a line": ("#Dev Ops\n#Cloud\n", ["dev ops", "cloud"]),
    "repeats in other spellings": ("#Cloud #cloud #CLOUD  #Azure", ["cloud", "azure"]),
    "camel case": ("#CloudMigration #COVID19 #iPhone", ["cloud migration", "covid 19", "iphone"]),
    "capitals": ("#USElection #NASA", ["us election", "nasa"]),
    "underscores": ("#cloud_migration #dev_ops", ["cloud migration", "dev ops"]),
    "hyphens and apostrophes": ("#Wi-Fi #Valentine's Day #R&amp;D", ["wi-fi", "valentine's day", "r&d"]),
    "commas": ("#Cloud, #Dev Ops, and #Azure", ["cloud", "dev ops", "azure"]),
    "and": ("#Cloud and #Dev Ops", ["cloud", "dev ops"]),
    "preamble": ("Sure! Here are some hashtags:\n\n#Cloud #Dev Ops", ["cloud", "dev ops"]),
    "preamble in the line": ("Sure! Here are the hashtags: #Cloud #Dev Ops", ["cloud", "dev ops"]),
    "afterword": ("#Cloud #Dev Ops\n\nI hope these help! Let me know if you want more.", ["cloud", "dev ops"]),
    "afterword in the line": ("#Cloud #Dev Ops I hope these help!", ["cloud", "dev ops"]),
    "explanations": ("1. #Cloud - because the team moves there\n2. #Azure: the provider", ["cloud", "azure"]),
    "explanation in brackets": ("- #Cloud (the topic)\n- #Azure (the provider)", ["cloud", "azure"]),
    "explanation after the list": ("#Cloud #Azure are the main topics of the post.", ["cloud", "azure"]),
    "numbers": ("1. #Cloud\n2) #Azure\n(3) #Windows", ["cloud", "azure", "windows"]),
    "bullets": ("* #Cloud\n- #Azure\n• #Windows", ["cloud", "azure", "windows"]),
    "markdown": ("**#Cloud** `#Azure` \\#Windows", ["cloud", "azure", "windows"]),
    "heading": ("## Hashtags\n\n#Cloud #Azure", ["cloud", "azure"]),
    "heading with one sign": ("# Suggested Hashtags\n#Cloud", ["cloud"]),
    "quotes": ('"#Cloud" "#Azure"', ["cloud", "azure"]),
    "a post written anew": ("Our team moves to the cloud. Join us! #Cloud #Azure", ["cloud", "azure"]),
    "code fence": ("```\n#Cloud #Azure\n```", ["cloud", "azure"]),
    "JSON": ('["Cloud", "#Dev Ops"]', ["cloud", "dev ops"]),
    "JSON in a fence": ('Here you go:\n```json\n{"hashtags": ["#Cloud", "#Azure"]}\n```', ["cloud", "azure"]),
    "JSON with one string": ('{"hashtags": "#Cloud #Dev Ops"}', ["cloud", "dev ops"]),
    "JSON with rubbish": ('["Cloud", 3, null, ["x"], "Visit https://example.com now"]', ["cloud"]),
    "Python list": ("['#Cloud', '#Azure']", ["cloud", "azure"]),
    "label": ("Hashtags: Cloud, Dev Ops, Azure", ["cloud", "dev ops", "azure"]),
    "label and bullets": ("**Recommended hashtags:**\n- Cloud\n- Dev Ops", ["cloud", "dev ops"]),
    "signs between": ("Dev Ops # Cloud # Azure", ["dev ops", "cloud", "azure"]),
    "signs between, no space": ("devops#cloud#azure", ["devops", "cloud", "azure"]),
    "reasoning": ("<think>Maybe #wrong or #bad?</think>\n#Cloud", ["cloud"]),
    "reasoning without its start": ("Maybe\n#wrong\n</think>\n#Cloud", ["cloud"]),
    "reasoning cut off": ("<think>\n#wrong #bad", []),
    "harmony": ("<|channel|>analysis<|message|>#wrong<|end|><|channel|>final<|message|>#Cloud", ["cloud"]),
    "Chinese signs": ("#云计算、#数据安全，#微软；#开发。", ["云计算", "数据安全", "微软", "开发"]),
    "Weibo": ("#云计算# #数据安全#", ["云计算", "数据安全"]),
    "Weibo, no space": ("#云计算##数据安全#", ["云计算", "数据安全"]),
    "Weibo, prose between": ("#云计算# 是热门话题 #数据安全#", ["云计算", "数据安全"]),
    "segmented": ("#云计算#数据安全", ["云计算", "数据安全"]),
    "full width": ("＃云计算 ＃数据安全", ["云计算", "数据安全"]),
    "Chinese preamble": ("好的，以下是推荐的话题标签：#云计算# #微软#", ["云计算", "微软"]),
    "Chinese label": ("话题标签：云计算、数据安全", ["云计算", "数据安全"]),
    "Chinese numbers": ("1、#云计算\n2、#微软", ["云计算", "微软"]),
    "a sentence as hashtag": ("#周末在家做牛肉面要煮三个小时", ["周末在家做牛肉面要煮三个小时"]),
    "languages": ("#Kaffeekränzchen #день победы #कविता", ["kaffeekränzchen", "день победы", "कविता"]),
    "Japanese": ("#コーヒー #朝ごはん", ["コーヒー", "朝ごはん"]),
    "Arabic": ("#قهوة", ["قهوة"]),
    "emoji": ("#Cloud☁️ #Azure 🎉", ["cloud", "azure"]),
    "zero width": ("#Clo\u200bud #Az\u202eure", ["cloud", "azure"]),
    "hidden signs": ("#a\ufe0fb\u3164c\U000e0101d #\u3164 #evil\u200b.\u2060example", ["abcd"]),
    "stacked marks": ("#a\u0323\u0330\u0331\u0332\u0333\u0347 #e\u0301", ["é"]),
    "control characters": ("#cloud\x00 #\x07\x1b[2J #\x1b]0;owned\x07", ["cloud"]),
    "nothing": ("", []),
    "None": ("None", []),
    "None with a sign": ("#None #N/A #无", []),
    "placeholders": ("#hashtag1 #hashtag2 #标签1", []),
    "refusal": ("I'm sorry, but I can't help with that.", []),
    "refusal with a hashtag": ("I can't suggest hashtags for #hate speech.", []),
    "refusal after a sign": ("#I cannot help with this request", []),
    "refusal after a label": ("I can't provide hashtags: this post is harmful", []),
    "Chinese refusal": ("抱歉，我无法提供标签：该内容违规", []),
    "Chinese refusal after a sign": ("#抱歉，我无法回答这个问题", ["抱歉"]),
    "prose": ("This post is about the cloud, dev ops and a team.", []),
    "prose with a hashtag": ("I think #cloud fits here", []),
    "prose after a label": ("Tags: I would say that this is about clouds, mostly, as it seems to me", []),
    "plain bullets": ("- Open the door\n- Close the window", []),
    "addresses": ("#https://evil.example/x #evil.example #me@evil.example www.evil.example", []),
    "mentions": ("#@someone @someone #@", []),
    "markup": ("#<script>alert(1)</script> #<img src=x onerror=alert(1)>", []),
    "programming languages": ("C# and F# developers", []),
    "numbers only": ("#1 #2024 #3.14", []),
    "too many words": ("#this one goes on and on and on", []),
    "loops": ("#ffffffff #lalalalalala #a a a a #cool", ["cool"]),
    "a key": ("#sk" + "a8" * 40, []),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answers(answer: str, expected: list[str]) -> None:
    assert parse_hashtags(answer) == expected


def test_words_of_letters_and_digits_stay_together_where_asked() -> None:
    assert parse_hashtags("#MWC2014 #ChinaJoy", split_words=False) == ["mwc2014", "chinajoy"]


def test_a_loop_ends() -> None:
    assert len(parse_hashtags(" ".join(f"#word{'x' * (i % 20)}{i}a" for i in range(5000)))) == MAX_HASHTAGS


HOSTILE = (
    *["<think>" * 30_000, "[" * 200_000, "{" * 200_000, "# " * 100_000, "#a" * 100_000, "a." * 100_000],
    *["1. " * 50_000, "*" * 200_000, "_" * 200_000, "#" * 200_000, " " * 200_000, "以下是" * 60_000],
    *["</think>" * 30_000, "&lt;" * 50_000, "#" + " -" * 50_000, "a@" * 100_000, "here is " * 20_000],
    "#a " + "和 " * 10_000,
)


@pytest.mark.parametrize("answer", HOSTILE, ids=[answer[:8] for answer in HOSTILE])
def test_hostile_lengths_are_read_in_time(answer: str) -> None:
    assert all(map(is_hashtag, parse_hashtags(answer)))  # the suite's time-out is the judge


MARKS = ["#", "＃", "\n", " ", ",", "、", "<think>", "</think>", "```json\n", "[", "]", '"', "{", "Hashtags:", "话题："]
SIGNS = ["- ", "1. ", "**", "https://e.example/", "@me", "\u200b", "\u202e", "\x00", "\ud800", "."]
WORDS = ["cloud", "DevOps", "云计算", "I hope this helps", "javascript:", "<b>", "none", "_", "’"]
pieces = st.one_of(st.sampled_from([*MARKS, *SIGNS]), st.text(max_size=12), st.sampled_from(WORDS))
answers = st.lists(pieces, max_size=25).map("".join)


@given(answers, st.booleans())
@example("#ß ẞ #İ #ﬀ", True)
@example("#İİİİİİİİİİİİİİİİİİİİİİİİİİİİİİİİ", True)
@example("#a\u0300-\u0300", True)
@example("#ΑΣ #'none'", True)
def test_whatever_is_said_only_hashtags_come_out(answer: str, split: bool) -> None:
    found = parse_hashtags(answer, split)
    assert len(found) == len(set(found)) <= MAX_HASHTAGS
    for hashtag in found:
        assert hashtag == normalise_hashtag(hashtag)
        assert is_hashtag(hashtag)
        assert 1 <= len(hashtag.split()) <= MAX_WORDS
        assert len(hashtag) <= 64
        categories = {unicodedata.category(character) for character in hashtag if character not in "-'’·・&+.√ "}
        assert {category[0] for category in categories} <= {"L", "M", "N"}
        assert "@" not in hashtag
        assert "://" not in hashtag


words = st.text(st.sampled_from("bcdfghjkmpqstvwxzß云计算"), min_size=1, max_size=10)
plain = st.lists(words, min_size=1, max_size=3).map(" ".join).filter(is_hashtag)
lists = st.lists(plain, min_size=1, max_size=8, unique=True)


@given(lists, st.sampled_from([" ", "\n", ", ", "、", "  \n"]))
def test_marked_hashtags_are_all_read(hashtags: list[str], separator: str) -> None:
    assert parse_hashtags(separator.join(f"#{hashtag}" for hashtag in hashtags)) == hashtags


@given(lists)
def test_json_lists_are_all_read(hashtags: list[str]) -> None:
    assert parse_hashtags(json.dumps(hashtags)) == hashtags
    assert parse_hashtags(f"```json\n{json.dumps({'hashtags': hashtags}, ensure_ascii=False)}\n```") == hashtags


@given(st.text(st.characters(exclude_characters="#＃[{:：＃﹟", exclude_categories=["Cs"]), max_size=200))
def test_text_without_any_mark_gives_nothing(prose: str) -> None:
    if "#" not in prose and "&" not in prose:
        assert parse_hashtags(prose) == []
