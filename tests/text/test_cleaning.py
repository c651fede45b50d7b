from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from right_hf.text.cleaning import clean_post, read_post

PERSIAN = "می\u200cخواهم"
FAMILY = "👨\u200d👩\u200d👧"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

#: Pieces of everything that cleaning takes apart, so that one step may bring forth what another takes away.
PIECES = st.sampled_from([
    *("&", "&amp;", "amp;", "&lt;", "&gt;", "&#35;", "&#x23;", "lt;", "&notable;", ";", "#", "##", "＃", "﹟", "@"),
    *("<", ">", "<b>", "</p>", "<br/>", "<a href=x>", "http://", "https://x.y", "www.", "ftp:", "mailto:", "x.com"),
    *("/a", "C#", "C++", ".NET", ".js", "+49 30 ", "1234567", "4111 ", "0", "٣", "a", "B", "Ab", "天", "の", "·", "_"),
    *(".", ",", " ", "\u200b", "\u200c", "\u200d", "\u00ad", "\ufe0f", "\u20e3", "\u0301", "e\u0301", "ﾃﾞ", "Ｗ"),
    *("𝐀", "\ud800", "\x00"),
])  # fmt: skip
RAW = st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=30))


@settings(max_examples=300)
@given(RAW)
@example("&amp;amp;amp;amp;amp;lt;b&amp;gt;")
@example("@&lt;b>@a#&#35;b")
def test_cleaning_what_is_clean_changes_nothing(raw: str) -> None:
    clean = clean_post(raw)
    assert read_post(clean).text == clean


@settings(max_examples=200)
@given(RAW)
def test_canonically_equal_posts_are_read_alike(raw: str) -> None:
    assert read_post(unicodedata.normalize("NFD", raw)) == read_post(unicodedata.normalize("NFC", raw))


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("the &notable; and &notable; &copy; &eacute &amp", "the &notable; and &notable; © &eacute &"),
        ("&amp;amp;lt;3 R&D at&t", "<3 R&D at&t"),
        ("&lt;p&gt;one&lt;/p&gt;&lt;p&gt;t<b>w</b>o&lt;br/&gt;three", "one two three"),
        ("x < y and y > z", "x < y and y > z"),
        ("ＷＶＤ and 𝐀𝐈 and ﾃﾞｰﾀ", "WVD and AI and データ"),
        ("cafe\u0301", "café"),
        (f"{PERSIAN} {FAMILY} {ENGLAND} #️⃣ ❤️", f"{PERSIAN} {FAMILY} {ENGLAND} #️⃣ ❤️"),
        ("zero\u200bwidth soft\u00adhyphen", "zero width soft hyphen"),
        ("C#, C++, F#, .NET, node.js and ASP.NET", "C#, C++, F#, .NET, node.js and ASP.NET"),
        ("#C#! #C++, #.NET", "C#! C++, .NET"),
        ("call 030 1234567 or bob@secret.org, @ann", "call … or @user, @user"),
        ("look <https://x.org/a,b>word", "look word"),
    ],
)
def test_the_text_of_a_post(raw: str, clean: str) -> None:
    assert clean_post(raw) == clean


@pytest.mark.parametrize(
    ("raw", "text", "hashtags"),
    [
        ("#MachineLearning today", "Machine Learning today", ["MachineLearning"]),
        ("#StaySafe #WearAMask", "Stay Safe, Wear A Mask", ["StaySafe", "WearAMask"]),
        ("one #COVID19, two #covid_19", "one COVID 19, two covid 19", ["COVID19"]),
        ("#Cafe\u0301 #café", "Café, café", ["Café"]),
        ("#हिन्दी_दिवस", "हिन्दी दिवस", ["हिन्दी_दिवस"]),
        (f"#{PERSIAN}!", f"{PERSIAN}!", [PERSIAN]),
        ("#天气#很好", "天气 很好", ["天气"]),
        ("&#35;tag ＃ＷＶＤ", "tag, WVD", ["tag", "WVD"]),
        ("#C# #C #C++", "C#, C, C++", ["C#", "C", "C++"]),
        ("#1 of 3, a#b, #️⃣, https://x.org/#top", "1 of 3, a b, #️⃣,", []),
    ],
)
def test_the_hashtags_in_a_post(raw: str, text: str, hashtags: list[str]) -> None:
    found = read_post(raw)
    assert (found.text, list(found.hashtags)) == (text, hashtags)
