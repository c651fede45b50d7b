from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf import analysis
from right_hf.analysis import (
    ANALYSERS,
    chinese_bigrams,
    chinese_words,
    english_words,
    get_analyser,
    register_analyser,
    unicode_words,
)
from right_hf.posts import Post
from right_hf.retriever import BM25Retriever

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
    for analyse in (english_words, chinese_bigrams, unicode_words):
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


@pytest.mark.parametrize("analyse", [unicode_words, english_words, chinese_bigrams])
@pytest.mark.parametrize("word", ["हिन्दी", "कला", "காதல்", "বাংলা", "مُحَمَّد", "שָׁלוֹם", "café", "українська", "covid19"])
def test_a_word_of_any_script_is_one_term(analyse: analysis.Analyser, word: str) -> None:
    assert analyse(f"{word}, ({word.upper()})!") == [word, word]


@pytest.mark.parametrize("analyse", [unicode_words, english_words, chinese_bigrams])
@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("cafe\u0301 CAFÉ", ["café", "café"]),
        ("ＷＶＤ 𝐀𝐈", ["wvd", "ai"]),
        ("İSTANBUL istanbul ıstanbul", ["istanbul"] * 3),
        ("می\u200cخواهم میخواهم", ["میخواهم"] * 2),
        ("C# C++ F# .NET node.js ASP.NET", ["csharp", "cpp", "fsharp", "dotnet", "nodejs", "aspnet"]),
        ("vitamin C", ["vitamin", "c"]),
    ],
)
def test_what_is_one_to_readers_is_one_term(analyse: analysis.Analyser, text: str, terms: list[str]) -> None:
    assert analyse(text) == terms


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("我爱北京，天 iPhone手机 a1", ["我爱", "爱北", "北京", "天", "iphone", "手机", "a1"]),
        ("ﾃﾞｰﾀ分析", ["デー", "ータ", "タ分", "分析"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("ក្រុង ទឹក", ["ក្រុ", "រុង", "ទឹក"]),
        ("ຄົນລາວ", ["ຄົນ", "ນລ", "ລາ", "າວ"]),
        ("မြန်မာ", ["မြန်", "န်မာ"]),
        ("The QUICK fox, it's 3.5x the fox_den!", ["quick", "fox", "it's", "3", "5x", "fox", "den"]),
        ("한국어 и українська", ["한국어", "и", "українська"]),
        ("👨\u200d👩\u200d👧 #️⃣ ❤️", []),
    ],
)
def test_unicode_words(text: str, terms: list[str]) -> None:
    assert unicode_words(text) == terms


def test_words_of_other_languages_are_found_whatever_the_analyser_of_scripts_without_spaces() -> None:
    posts = [Post("1", "ฉันรักภาษาไทย", ("x",)), Post("2", "東京タワーへ行く", ("y",)), Post("3", "हिन्दी दिवस", ("z",))]
    retriever = BM25Retriever.from_posts(posts)
    assert retriever.analyser == "unicode"
    for query, post_id in (("ภาษา", "1"), ("東京", "2"), ("हिन्दी", "3")):
        assert [hit.post.id for hit in retriever.search([query])[0]] == [post_id]


def test_stems_take_the_place_of_words_and_are_saved_by_name(tmp_path: Path) -> None:
    pytest.importorskip("Stemmer")
    stems = get_analyser("unicode+english")
    assert stems("running runs, cats!") == ["run", "run", "cat"]
    assert pickle.loads(pickle.dumps(stems))("cats") == ["cat"]
    assert get_analyser("unicode+spanish")("gatos") == get_analyser("unicode+spanish")("gato")
    retriever = BM25Retriever.from_posts([Post("1", "the cats were running", ("cats",))], analyser="unicode+english")
    retriever.save_pretrained(tmp_path / "index")
    loaded = BM25Retriever.from_pretrained(tmp_path / "index")
    assert loaded.analyser == "unicode+english"
    assert [hit.post.id for hit in loaded.search(["a cat runs"])[0]] == ["1"]


def test_stems_of_nothing_known_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"Unknown analyser 'klingon\+english'"):
        get_analyser("klingon+english")
    if "Stemmer" in sys.modules:
        with pytest.raises(ValueError, match=r"no stemmer for 'klingon'.*english"):
            get_analyser("unicode+klingon")
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(ImportError, match=r"pip install 'right_hf\[stem\]'"):
        get_analyser("unicode+english")


def test_an_analyser_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "ANALYSERS", dict(ANALYSERS))
    assert register_analyser("letters", list) is register_analyser("letters", list) is list
    retriever = BM25Retriever.from_posts([Post("1", "xyz", ("x",))], analyser="letters")
    retriever.save_pretrained(tmp_path / "index")
    assert [hit.post.id for hit in BM25Retriever.from_pretrained(tmp_path / "index").search(["zzz"])[0]] == ["1"]
    for name in ("letters", "unicode", "a+b"):
        with pytest.raises(ValueError, match="is taken, or holds a"):
            register_analyser(name, str.split)
    for name, analyser in ((3, list), ("new", "list")):
        with pytest.raises(TypeError, match="a name and a function"):
            register_analyser(name, analyser)  # type: ignore[arg-type]
    monkeypatch.setattr(analysis, "ANALYSERS", {})
    with pytest.raises(ValueError, match="must be registered first"):
        BM25Retriever.from_pretrained(tmp_path / "index")
