from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.platforms import PLATFORMS, code_names, postable
from right_hf.spelling.style import STYLES, choose_spelling, pascal, show
from right_hf.text.hashtags import hashtag_key, normalise_hashtag

COUNTS = SpellingCounts(
    {"Syria": 2501, "SYRIA": 2004, "syria": 810, "NASA": 41, "nasa": 22, "Nasa": 2, "IoT": 12, "iot": 20, "IOT": 3}
    | {"COVID19": 2161, "COVID_19": 72, "Covid19": 13, "covid19": 22, "design": 333, "Design": 17, "wow": 84}
    | {"WOW": 29, "WoW": 20, "Instagram": 77, "instagram": 71, "redsox": 165, "RedSox": 80, "Redsox": 5}
    | {"iphone": 9, "iPhone": 20, "US": 40, "scipolicy": 375, "NodeJS": 71, "nodejs": 201, "CSharp": 9, "csharp": 2}
    | {"longread": 3, "vicPLN": 49, "VICPLN": 193, "vicpln": 764, "SCHOLARS": 1, "KTLA": 1}
)
WORDS = st.sampled_from([
    *("iot", "covid", "19", "us", "iphone", "c#", ".net", "c++", "物联网", "هوش", "می\u200cخواهم", "नरेंद्र", "ß", "ŉa"),
    *("ﬁ", "ǆ", "don't", "u.s.", "🎉", "3d", "i̇", "ας", "e\u0301", "red", "sox", "_", "R&D", "IoT", "ＷＶＤ", "아이"),
])  # fmt: skip
HASHTAGS = st.one_of(st.text(max_size=20), st.lists(WORDS, max_size=4).map(" ".join))
PLATFORM = st.sampled_from([None, *PLATFORMS])


@example("iphone", "common", None, COUNTS)
@given(HASHTAGS.map(normalise_hashtag), st.sampled_from(STYLES), PLATFORM, st.sampled_from([None, COUNTS]))
def test_what_is_shown_is_the_same_hashtag_and_shown_again_alike(
    hashtag: str, style: str, platform: str | None, counts: SpellingCounts | None
) -> None:
    shown = show(hashtag, style, counts, platform)
    assert (shown is None) == (postable(hashtag, platform) is None)
    if shown is not None:
        assert hashtag_key(shown) == hashtag_key(hashtag)
        assert show(shown, style, counts, platform) == shown
        if style != "words":
            assert postable(shown, platform) == shown


@given(HASHTAGS, st.sampled_from(STYLES), PLATFORM)
def test_any_text_is_shown_as_the_same_hashtag(text: str, style: str, platform: str | None) -> None:
    shown = show(text, style, COUNTS, platform)
    if shown is not None:
        assert hashtag_key(shown) == hashtag_key(text)


@pytest.mark.parametrize(
    ("hashtag", "expected"),
    {
        "windows virtual desktop": ("windowsvirtualdesktop", "WindowsVirtualDesktop"),
        "covid 19": ("covid19", "Covid19"),
        "3d printing": ("3dprinting", "3dPrinting"),
        "2nd amendment": ("2ndamendment", "2ndAmendment"),
        "don't panic": ("dontpanic", "DontPanic"),
        "éa öb": ("éaöb", "ÉaÖb"),
        "物联网": ("物联网", "物联网"),
        "هوش مصنوعی": ("هوش_مصنوعی", "هوش_مصنوعی"),
        "c#": ("csharp", "CSharp"),
        "c++ tips": ("cpptips", "CppTips"),
        ".net": ("dotnet", "DotNet"),
        "f#": ("fsharp", "FSharp"),
        "node.js": ("nodejs", "NodeJS"),
        "rock & roll": ("rockroll", "RockRoll"),
    }.items(),
)
def test_lower_and_pascal(hashtag: str, expected: tuple[str, str]) -> None:
    assert (show(hashtag, "lower"), show(hashtag, "pascal")) == expected
    assert show(hashtag, "words") == code_names(hashtag)


def test_a_joiner_stays_where_it_is_linked() -> None:
    assert pascal("می\u200cخواهم") == "می\u200cخواهم"
    assert show("می\u200cخواهم", "pascal", platform="mastodon") == "می\u200cخواهم"


@pytest.mark.parametrize(
    ("hashtag", "expected"),
    {
        "syria": "Syria",
        "nasa": "NASA",
        "iot": "IoT",
        "covid 19": "COVID19",
        "design": "design",
        "wow": "wow",
        "insta gram": "Instagram",
        "red sox": "RedSox",
        "sci policy": "scipolicy",
        "long read": "LongRead",
        "vic pln": "vicPLN",
        "scholars": "Scholars",
        "ktla": "KTLA",
        "node.js": "NodeJS",
        "c#": "CSharp",
    }.items(),
)
def test_common_is_the_spelling_in_use_readable_where_that_has_a_share(hashtag: str, expected: str) -> None:
    assert show(hashtag, "common", COUNTS) == expected


@pytest.mark.parametrize(
    ("hashtag", "expected"),
    {
        "covid 19 vaccine": "COVID19Vaccine",
        "iphone tips": "iPhoneTips",
        "my iphone": "MyiPhone",
        "pray for us": "PrayForUs",
        "design tips": "DesignTips",
        "wvd": "WVD",
        "mr bean": "MrBean",
        "never seen": "NeverSeen",
    }.items(),
)
def test_common_is_made_up_of_known_words_where_the_whole_is_unknown(hashtag: str, expected: str) -> None:
    assert show(hashtag, "common", COUNTS) == expected


def test_what_has_capitals_of_its_own_keeps_them() -> None:
    assert show("iphone", "common", COUNTS) == show("iPhone", "common", COUNTS) == show("iPhone") == "iPhone"


def test_common_without_counts_is_pascal() -> None:
    assert show("windows virtual desktop") == "WindowsVirtualDesktop"


@given(st.dictionaries(st.sampled_from(["ab", "AB", "Ab", "aB", "a_b"]), st.integers(1, 50)), st.booleans())
def test_a_spelling_in_use_is_chosen_or_none(uses: dict[str, int], several: bool) -> None:
    assert choose_spelling(uses, several) in {None, *uses}
    if not several and uses:
        assert choose_spelling(uses, several) is not None


def test_a_spelling_that_the_platform_cannot_link_is_shown_in_the_form_that_it_can() -> None:
    counts = SpellingCounts({"Dev-Ops": 5, "Dev Ops": 90, "devops": 4})
    assert show("dev ops", "common", counts) == "DevOps"


def test_an_unknown_style_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Unknown style 'kebab'\. Known: words, lower, pascal, common"):
        show("a", "kebab")
