from __future__ import annotations

import copy
import hashlib
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from right_hf import safety as module
from right_hf.safe_words import HARMLESS
from right_hf.safety import Safety
from right_hf.text.hashtags import hashtag_key

HARMLESS_HASHTAGS = """
Scunthorpe Essex Sussex Middlesex Penistone Assassin Classic Cocktail Therapist Analysis Shiitake Arsenal
Basement
Hancock Dickens Matsushita Christmas Socialism Scooter Debugger Raccoon Grasshopper Retardant Twinkle Sauerkraut
SexEd Gay LGBTQ Lesbian BreastCancer MeToo SexualHealth ProstateCancer HIV Nazi GodBless FoodPorn 2024Election
Goddess Saturday Pakistan Hispanic Spices Niger Nigeria Assessment CircusAct A55 1984 C# 路口交通 今日你好 处女座
月经 成人教育 姑娘的婚礼 生日快乐 体操比赛
"""


def listed(letters: range, chinese: bool = False) -> list[str]:
    """Terms of the list that stand alone, picked by length and hash."""
    terms = [term for term in Safety.default()._terms if len(term) in letters and term.isascii() is not chinese]
    return sorted(terms, key=lambda term: hashlib.sha256(term.encode()).digest())[:40]


@pytest.mark.parametrize("hashtag", HARMLESS_HASHTAGS.split())
def test_harmless_hashtags_stay(hashtag: str) -> None:
    assert not Safety.default().blocks(f"#{hashtag}")
    assert not Safety.default().blocks(hashtag.lower())


@pytest.mark.parametrize("term", [*listed(range(3, 20)), *listed(range(2, 8), chinese=True)])
def test_listed_terms_are_blocked_whole_and_as_words_in_any_case(term: str) -> None:
    for hashtag in (term, f"#{term.upper()}", f"my {term} day"):
        assert Safety.default().blocks(hashtag), hashtag


def test_long_terms_are_blocked_inside_words_and_short_ones_are_not() -> None:
    safety = Safety(["abcde", "xyz"])
    assert safety.blocks("ilikeabcdes")
    assert not safety.blocks("ilikexyzes")
    assert safety.blocks("I Like XYZ")
    assert safety.blocks("ILike_Xyz_Much")
    assert safety.blocks("xyzs")


def test_a_run_of_words_that_is_a_term_is_blocked_but_not_letters_of_two_words() -> None:
    safety = Safety(["red herring", "penguins"])
    assert safety.blocks("#SuchARedHerringToday")
    assert safety.blocks("redherring")
    assert not safety.blocks("red fish herring")
    assert not safety.blocks("the pen guins ate")


def test_chinese_terms_are_parts_from_two_characters_on() -> None:
    safety = Safety(["坏蛋", "坏"])
    assert safety.blocks("你是坏蛋吗")
    assert not safety.blocks("坏")
    assert not safety.blocks("坏天气")


def test_exceptions_shield_only_what_lies_within_them() -> None:
    safety = Safety(["grape", "grapeshot"], ["grapefruit", "grape juice"])
    assert safety.blocks("grape")
    assert not safety.blocks("grapefruit")
    assert not safety.blocks("MyGrapefruits")
    assert not safety.blocks("grape juice day")
    assert safety.blocks("grapefruit grape")
    assert safety.blocks("grapeshot juice")


def test_an_exception_that_is_a_term_takes_it_out_but_not_longer_ones() -> None:
    safety = Safety(["grape", "grapeshot"], ["Grape!"])
    assert not safety.blocks("grape")
    assert safety.blocks("grapeshot")


@pytest.mark.parametrize(
    "hashtag", ["b4dw0rd", "b@dword", "BADWORD", "ｂａｄｗｏｒｄ", "baaaadword", "bad\u200bword", "b.a.d.w.o.r.d"]
)
def test_disguises_are_seen_through(hashtag: str) -> None:
    assert Safety(["badword"]).blocks(hashtag)


def test_digits_alone_stand_for_no_letters() -> None:
    safety = Safety(["lass", "ass"])
    assert not safety.blocks("455")
    assert not safety.blocks("2024 455")


def test_default_is_made_once_and_its_exceptions_are_needed() -> None:
    assert Safety.default() is Safety.default()
    bare = Safety(term for name in module._LISTS for term in module._listed(name))
    assert bare.blocks("Christmas")
    assert len(HARMLESS) == len(set(HARMLESS)), "twice"
    assert all(hashtag_key(word) for word in HARMLESS)


def test_verdicts_survive_copies_pickles_and_threads() -> None:
    safety = Safety(["badword"])
    for other in (copy.deepcopy(safety), pickle.loads(pickle.dumps(safety))):
        assert other.blocks("badword")
        assert not other.blocks("word")
    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(safety.blocks, ["badword", "fine"] * 500)] == [True, False] * 500


def test_the_memory_of_verdicts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 10)
    safety = Safety(["badword"])
    for number in range(100):
        safety.blocks(f"tag {number}")
    assert len(safety._verdicts) <= 10


def test_own_list(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    path.write_text("\ufeff# ours\n#badword\n\n!badwordington\n  坏蛋 \n", encoding="utf-8")
    safety = Safety.load(path)
    assert safety.blocks("#BadWord")
    assert safety.blocks("坏蛋")
    assert not safety.blocks("badwordington")
    assert not safety.blocks("ours")


def test_own_lists_that_are_none_say_so(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    with pytest.raises(FileNotFoundError, match=r"terms\.txt"):
        Safety.load(path)
    path.write_bytes("caf\xe9".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        Safety.load(path)
    path.write_text("# nothing\nab\n", encoding="utf-8")
    with pytest.raises(ValueError, match="safety=None"):
        Safety.load(str(path))


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PACKAGE", "no_such_package")
    with pytest.raises(ImportError, match="pip install"):
        module._listed(module._LISTS[0])


@pytest.mark.parametrize("hashtag", ["", "#", "😀", "a" * 20_000, "坏" * 20_000, "A" * 5000 + "!$" * 5000])
def test_odd_hashtags_are_checked_in_short_time(hashtag: str) -> None:
    start = time.perf_counter()
    assert not Safety.default().blocks(hashtag)
    assert time.perf_counter() - start < 1
