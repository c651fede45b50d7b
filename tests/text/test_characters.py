from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.text.characters import folded, plain_letters, visible

PERSIAN = "می\u200cخواهم"
FAMILY = "👨\u200d👩\u200d👧"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
#: What makes texts differ only in their code points.
PIECES = st.sampled_from(
    ["e\u0301", "é", "ﾃﾞ", "한", "\u1112\u1161\u11ab", "İ", "i\u0307", "ı", "ß", "ﬁ", "a", "\u0327"]
)
TEXTS = st.one_of(st.text(max_size=12), st.lists(PIECES, max_size=6).map("".join))


@pytest.mark.parametrize("text", [PERSIAN, FAMILY, ENGLAND, "#️⃣", "क्\u200dष", "❤️", "हिन्दी", "Plan C"])
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("cafe\u0301", "café"),
        ("zero\u200bwidth", "zero width"),
        ("soft\u00adhyphen", "soft hyphen"),
        ("\ufeffmark\u2060s", "marks"),
        ("bell\x07", "bell"),
        ("lone\ud800", "lone"),
        ("right\u202eleft", "rightleft"),
        ("\u200dloose \u200c joiners\u200c", "loose joiners"),
        ("a\u200c\u200db", "a\u200db"),
        ("\U000e0041tags\U000e007f", "tags"),  # of no flag
        (" a\t\u3000b\n", "a b"),
    ],
)
def test_what_is_not_seen_goes(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ＷＶＤ ２", "WVD 2"),
        ("ﾃﾞｰﾀ", "データ"),
        ("𝐀𝐈 𝓪𝓲", "AI ai"),
        ("ﬁne", "fine"),
        ("ﻻ", "لا"),
        ("m² ™ ½ ①", "m² ™ ½ ①"),  # another meaning
        ("日本", "日本"),
    ],
)
def test_letters_have_their_plain_form(text: str, plain: str) -> None:
    assert plain_letters(text) == plain


@pytest.mark.parametrize(
    "texts",
    [
        ("café", "cafe\u0301", "CAFÉ"),
        ("İSTANBUL", "istanbul", "ISTANBUL", "ıstanbul", "i\u0307stanbul"),
        ("straße", "STRASSE", "STRAẞE"),
        ("ＷＶＤ", "wvd", "𝐖𝐕𝐃"),
        ("ﾃﾞｰﾀ", "データ"),
        (PERSIAN, "میخواهم"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("❤️", "❤"),
    ],
)
def test_texts_that_are_compared_as_one(texts: tuple[str, ...]) -> None:
    assert len(set(map(folded, texts))) == 1


@pytest.mark.parametrize("texts", [("कला", "काल", "कल"), ("café", "cafe"), ("مُحَمَّد", "محمد"), ("C#", "C++", "C")])
def test_texts_that_are_compared_as_different_ones(texts: tuple[str, ...]) -> None:
    assert len(set(map(folded, texts))) == len(texts)


@given(TEXTS)
def test_each_form_is_that_of_canonically_equal_texts_and_stays(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    for form in (visible, folded):
        assert form(form(text)) == form(text)
        assert form(apart) == form(unicodedata.normalize("NFC", text))
    plain = plain_letters(visible(text))
    assert plain_letters(plain) == plain
    assert folded(plain) == folded(visible(text))
