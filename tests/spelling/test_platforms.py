from __future__ import annotations

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.spelling.platforms import PLATFORMS, postable, sign
from right_hf.text.hashtags import hashtag_key

#: What the platforms' own code looks for, as far as it is public.
_X = r"[\p{L}\p{M}\p{Nd}_\u200c\u200d\u00b7\u30fb]"
_TAG_ENDS = r"\s\u00AD\u2060\u200A\u200B\u200C\u200D\u20e2"
LINKED = {
    "x": rf"{_X}*[\p{{L}}\p{{M}}]{_X}*",
    "mastodon": r"[\p{L}\p{M}\p{Nd}_][\p{L}\p{M}\p{Nd}_\u00b7\u30fb\u200c]*[\p{L}\p{M}_\u00b7\u30fb\u200c]"
    r"[\p{L}\p{M}\p{Nd}_\u00b7\u30fb\u200c]*[\p{L}\p{M}\p{Nd}_]|[\p{L}\p{M}\p{Nd}_]*[\p{L}\p{M}][\p{L}\p{M}\p{Nd}_]*",
    "bluesky": rf"(?!\ufe0f)[^{_TAG_ENDS}]*[^\d\p{{P}}{_TAG_ENDS}]+[^{_TAG_ENDS}]*(?<!\p{{P}})",
    "instagram": r"[\p{L}\p{M}\p{Nd}_]*\p{L}[\p{L}\p{M}\p{Nd}_]*",
    "weibo": r"[^#]*\p{L}[^#]*",
}
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("aBß9_ #+.·・é\u200c\u200d\u0301مक्物ア🎉ı", max_size=30),
    st.sampled_from(["c++ and c#", ".net", "می\u200cخواهم", "아이 폰", "_a_", "·a·", "1", "🏳️\u200d🌈", "a" * 101]),
)


@example("A_\u200c\u0301", None)
@example("A\u30fb\u0301\u200c\u0301", "mastodon")
@given(TEXTS, st.sampled_from([None, *PLATFORMS]))
def test_what_is_posted_is_linked_as_a_whole_and_is_the_same_hashtag(text: str, platform: str | None) -> None:
    posted = postable(text, platform)
    if posted is None:
        return
    assert hashtag_key(posted) == hashtag_key(text)
    assert postable(posted, platform) == posted
    joins = "\u200c" in posted or "\u200d" in posted  # which not all of them link
    hash_signs = [name for name, rules in PLATFORMS.items() if not (rules.closed or joins)]
    for name in [platform] if platform else hash_signs:
        assert regex.fullmatch(LINKED[name], posted), name
        assert len(posted) <= PLATFORMS[name].longest


@given(st.text(st.characters(categories=["L"]), min_size=1, max_size=15), st.sampled_from([None, *PLATFORMS]))
def test_a_word_of_letters_can_be_posted_everywhere(word: str, platform: str | None) -> None:
    if hashtag_key(word):
        assert postable(word, platform)


@pytest.mark.parametrize("text", ["", "2024", "9 11", "🎉", "🏳️‍🌈", "___", "&", "a" * 65, "\u0301", "#"])
def test_what_no_platform_links_is_not_posted(text: str) -> None:
    assert postable(text) is None
    assert sign(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "c#": "csharp",
        "C++": "cpp",
        ".NET": "dotnet",
        "f#": "fsharp",
        "node.js": "nodejs",
        "IoT": "IoT",
        "covid-19": "covid19",
        "dev ops": "devops",
        "COVID_19": "COVID_19",
        "_hidden_": "hidden",
        "🎉 party": "party",
        "هوش مصنوعی": "هوش_مصنوعی",
        "می\u200cخواهم": "می\u200cخواهم",
        "नरेंद्र मोदी": "नरेंद्र_मोदी",
        "物联网 大会": "物联网大会",
        "Ａｚｕｒｅ": "Azure",
    }.items(),
)
def test_the_form_that_suits_all(text: str, expected: str) -> None:
    assert postable(text) == expected


def test_each_platform_has_its_own_rules() -> None:
    assert postable("می\u200cخواهم", "mastodon") == "می\u200cخواهم"
    assert postable("ක්\u200dෂ", "x") == "ක්\u200dෂ"
    assert postable("ක්\u200dෂ", "bluesky") == "ක්ෂ"
    assert postable("a" * 80, "bluesky") is None
    assert postable("a" * 80, "x") == "a" * 80
    assert postable("物" * 33, "weibo") is None
    assert sign("IoT", "x") == "#IoT"
    assert sign("物联网", "weibo") == "#物联网#"
    assert sign("iphone 6 发布", "weibo") == "#iphone 6 发布#"
    assert sign("c# tips", "weibo") == "#csharp tips#"
    assert PLATFORMS["instagram"].per_post == 30


def test_an_unknown_platform_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Unknown platform 'myspace'\. Known: mastodon"):
        postable("a", "myspace")
