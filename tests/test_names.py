from __future__ import annotations

import time

import pytest

from right_hf import names
from right_hf.names import is_person_name, person_names

PERSONS = """
Maria Gonzalez, John Smith, Anna-Lena Müller, Priya Patel, Seán O'Brien, Mary Jane Watson, John F. Kennedy,
Ludwig van Beethoven, #MariaGonzalez, 王小明, 李娜, 张伟
"""
OTHERS = """
maria gonzalez, Maria, John, Jordan River, Paris Agreement, Victoria Station, Windows Virtual Desktop,
Grace Hopper Celebration, Bob Jones University, Merry Christmas, Santa Maria, New York, Happy Birthday,
Washington Post, Machine Learning, Apple Watch, 周末, 高考, 金融, 韩国, 人工智能, #, 😀, a
"""


def split(phrases: str) -> list[str]:
    return [phrase.strip() for phrase in phrases.split(",") if phrase.strip()]


@pytest.mark.parametrize("phrase", split(PERSONS))
def test_full_names_are_names(phrase: str) -> None:
    assert is_person_name(phrase)


@pytest.mark.parametrize("phrase", ["", *split(OTHERS)])
def test_other_phrases_and_single_given_names_are_none(phrase: str) -> None:
    assert not is_person_name(phrase)


def test_names_of_a_post_stand_as_they_do_there() -> None:
    post = "Lunch with Maria Gonzalez and John F. Kennedy, then Grace Hopper Celebration! #JohnSmith Maria Gonzalez"
    assert person_names(post) == ["Maria Gonzalez", "John F. Kennedy", "JohnSmith"]


def test_a_name_ends_where_other_words_follow() -> None:
    assert person_names("Meet Maria Gonzalez Tomorrow") == ["Maria Gonzalez"]
    assert person_names("Tell Maria Gonzalez de nada") == ["Maria Gonzalez"]


def test_a_name_in_possessive_is_the_name() -> None:
    assert [name.removesuffix("'s") for name in person_names("It is Maria Gonzalez's day")] == ["Maria Gonzalez"]


def test_chinese_names_are_found_between_signs_and_before_forms_of_address() -> None:
    assert person_names("我的老师：王小明，再见") == ["王小明"]
    assert person_names("李娜老师来了") == ["李娜"]
    assert person_names("周末我们高兴地去了韩国") == []


@pytest.mark.parametrize(
    ("post", "limit"),
    [
        ("Met Maria Gonzalez and John Smith at the fair. " * 530, 1.0),
        ("Anna " * 5000, 1.0),
        ("Aa-" * 8000, 1.0),
        ("O'" * 12_000, 1.0),
        ("王" * 25_000, 1.0),
        ("Anna de la " * 2500, 1.0),
        ("#" + "Anna" * 6000, 1.0),
    ],
)
def test_long_posts_take_short_time(post: str, limit: float) -> None:
    person_names("Maria Gonzalez")  # the lists are read once
    start = time.perf_counter()
    person_names(post)
    assert time.perf_counter() - start < limit


def test_a_missing_package_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_PACKAGE", "no_such_package")
    with pytest.raises(ImportError, match="pip install"):
        names._provider("en_US")
