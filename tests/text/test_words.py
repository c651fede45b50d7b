from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.text.words import word_spans, words

#: Marks belong to the letters that they stand on, in every script; a joiner stands inside of a word.
ONE_WORD = (
    *("हिन्दी", "कला", "காதல்", "বাংলা", "ਪੰਜਾਬੀ", "മലയാളം", "සිංහල", "مُحَمَّد", "שָׁלוֹם", "می\u200cخواهم", "क्\u200dष"),
    *(
        "cafe\u0301",
        "İSTANBUL",
        "don't",
        "don’t",
        "L'Équipe",
        "한국어",
        "українська",
        "ʻokina",
        "C++",
        "C#",
        "F#",
        ".NET",
    ),
    *("node.js", "ASP.NET", "C++17", "COVID19"),
)


@pytest.mark.parametrize("word", ONE_WORD)
def test_one_word(word: str) -> None:
    assert words(word) == [word]
    assert words(f"({word}), {word}!") == [word, word]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("ภาษาไทย", list("ภาษาไทย")),
        ("ទឹក", ["ទឹ", "ក"]),
        ("ຄົນ", ["ຄົ", "ນ"]),
        ("データ分析2024", ["デ", "ー", "タ", "分", "析", "2024"]),
        ("iPhone用户", ["iPhone", "用", "户"]),
        ("C and C# or C++, .NET; node.js", ["C", "and", "C#", "or", "C++", ".NET", "node.js"]),
        ("Plan C, vitamin C. R!", ["Plan", "C", "vitamin", "C", "R"]),
        ("a_b co-op end.Next A#1", ["a", "b", "co", "op", "end", "Next", "A", "1"]),
        ("👨\u200d👩\u200d👧 #️⃣ family …", ["family"]),
        ("", []),
    ],
)
def test_several_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text())
def test_words_are_pieces_in_order_that_do_not_overlap(text: str) -> None:
    spans = word_spans(text)
    assert all(start < end for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    assert [text[start:end] for start, end in spans] == words(text)
