from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.spelling.platforms import postable
from right_hf.text.hashtags import hashtag_key, hashtag_words, normalise_hashtag, without_hash_signs


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        (("COVID-19", "covid 19", "#covid_19", "ｃｏｖｉｄ１９", "Covid19"), "covid19"),
        (("café", "cafe\u0301", "#CAFÉ"), "café"),
        (("İSTANBUL", "Istanbul", "ıstanbul"), "istanbul"),
        (("ﾃﾞｰﾀ", "データ", "#データ"), "データ"),
        (("𝐀𝐈", "ai", "A.I."), "ai"),
        (("हिन्दी", "#हिन्दी"), "हिन्दी"),
        (("می\u200cخواهم", "می خواهم", "می_خواهم", "میخواهم"), "میخواهم"),
        (("C#", "c#", "#C#", "C♯", "C＃", "CSharp", "c sharp"), "csharp"),
        (("C++", "#c++", "cpp"), "cpp"),
        ((".NET", "#.net", "DotNet"), "dotnet"),
        (("node.js", "NodeJS", "node js"), "nodejs"),
        (("ASP.NET", "aspnet"), "aspnet"),
        (("F#", "fsharp"), "fsharp"),
        (("Vitamin C", "vitaminC"), "vitaminc"),
        (("#", "", "-", "👨\u200d👩\u200d👧", "#️⃣", "\u0301"), ""),
    ],
)
def test_hashtags_of_one_key(spellings: tuple[str, ...], key: str) -> None:
    assert {hashtag_key(spelling) for spelling in spellings} == {key}


@pytest.mark.parametrize(
    "hashtags",
    [
        ("C", "C#", "C++", "R", "F#", ".NET", "net", "vitamin C"),
        ("कला", "काल", "कल"),
        ("cafe", "café"),
        ("مُحَمَّد", "محمد"),
    ],
)
def test_hashtags_of_different_keys(hashtags: tuple[str, ...]) -> None:
    assert len(set(map(hashtag_key, hashtags))) == len(hashtags)


@pytest.mark.parametrize(
    ("hashtag", "normal"),
    [
        ("#Dev  Ops", "dev ops"),
        ("C#", "c#"),
        ("#C++", "c++"),
        ("＃ＷＶＤ", "wvd"),
        ("Cafe\u0301", "café"),
        ("İSTANBUL", "istanbul"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("zero\u200bwidth", "zero width"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_the_form_that_is_kept(hashtag: str, normal: str) -> None:
    assert normalise_hashtag(hashtag) == normal


@pytest.mark.parametrize(
    ("written", "split"),
    [
        ("WearAMask", "Wear A Mask"),
        ("BackToSchool", "Back To School"),
        ("OnThisDay", "On This Day"),
        ("StaySafe", "Stay Safe"),
        ("MachineLearning", "Machine Learning"),
        ("USElection", "US Election"),
        ("COVID19", "COVID 19"),
        ("2024Election", "2024 Election"),
        ("snake_case_tag", "snake case tag"),
        ("IoT", "IoT"),
        ("iPhone", "iPhone"),
        ("machinelearning", "machinelearning"),
        ("हिन्दी_दिवस", "हिन्दी दिवस"),
    ],
)
def test_a_written_hashtag_as_words(written: str, split: str) -> None:
    assert hashtag_words(written) == split


def test_the_sign_of_a_language_or_a_keycap_is_no_hash_sign() -> None:
    assert without_hash_signs("#C# ##x ＃y #️⃣ a#b").split() == ["C#", "x", "y", "#️⃣", "a", "b"]


@given(st.text(max_size=20))
def test_the_key_stays_whatever_is_done_to_a_hashtag(text: str) -> None:
    key = hashtag_key(text)
    assert hashtag_key(key) == key
    assert hashtag_key(normalise_hashtag(text)) == key
    shown = postable(text)
    assert shown is None or hashtag_key(shown) == key
