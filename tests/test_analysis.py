from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import analysis
from right_hf.analysis import ANALYSERS, chinese_bigrams, chinese_words, english_words, get_analyser

ideographs = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=2)


def test_english_words() -> None:
    assert english_words("The QUICK fox, it's 3.5x the fox_den!") == ["quick", "fox", "it's", "3", "5x", "fox", "den"]
    assert english_words("to be or not to be 😀 ...") == []


def test_chinese_bigrams() -> None:
    assert chinese_bigrams("我爱北京，天 iPhone手机 a1") == ["我爱", "爱北", "北京", "天", "iphone", "手机", "a1"]
    assert chinese_bigrams("！😀") == []


@given(ideographs)
def test_a_run_of_n_ideographs_gives_n_minus_1_bigrams_that_spell_it(run: str) -> None:
    terms = chinese_bigrams(run)
    assert len(terms) == len(run) - 1
    assert terms[0] + "".join(term[1] for term in terms[1:]) == run


@given(st.text())
def test_terms_of_the_analysers_without_extras_are_lower_case_words(text: str) -> None:
    for analyse in (english_words, chinese_bigrams):
        assert all(term and not any(c.isspace() or c == "_" for c in term) for term in analyse(text))
        assert analyse(text) == analyse(text.lower())


def test_chinese_words_drop_the_parts_of_speech_of_the_paper() -> None:
    pytest.importorskip("jieba")
    words = chinese_words("我和你在北京的公园，三月！iPhone")
    assert {"北京", "公园", "iphone"} <= set(words)
    assert not {"我", "和", "你", "在", "的", "，", "！", " "} & set(words)


def test_chinese_words_without_jieba_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jieba", None)
    analysis._jieba_tagger.cache_clear()
    with pytest.raises(ImportError, match=r"pip install right_hf\[zh\]"):
        chinese_words("北京")


def test_get_analyser() -> None:
    assert get_analyser("english") is english_words
    with pytest.raises(ValueError, match=f"Unknown analyser 'klingon'. Known: {', '.join(ANALYSERS)}"):
        get_analyser("klingon")
