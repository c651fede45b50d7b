from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.trainers.selector import disturb, disturb_characters, disturb_once
from right_hf.trainers.wordnet import Synonyms, no_synonyms

SYNONYMS = {"big": ("large",), "red": ("crimson", "scarlet"), "car": ("auto", "motor car")}

words = st.sampled_from([*SYNONYMS, "xyzzy", "a", "A", "新", "年"])
hashtags = st.one_of(
    st.lists(words, min_size=1, max_size=4).map(" ".join),
    st.lists(words, min_size=1, max_size=4).map("".join),
    st.text(min_size=1).filter(str.strip),
)
thesauri = st.sampled_from([no_synonyms, lambda word: SYNONYMS.get(word, ()), lambda word: (word, "", word.upper())])
languages = st.sampled_from(["en", "zh"])
seeds = st.integers()


def thesaurus(word: str) -> tuple[str, ...]:
    return SYNONYMS.get(word, ())


def key(hashtag: str) -> str:
    return " ".join(hashtag.split()).casefold()


def operation_of(disturbed: str) -> str:
    """Which operation made a two-word hashtag out of `big red`; all four give disjoint results."""
    if disturbed == "red big":
        return "swap"
    return {1: "delete", 2: "replace", 3: "insert"}[len(disturbed.split())]


def test_operations() -> None:
    """Each unit may be replaced, left out, swapped with a neighbour, or followed by a synonym; nothing else happens."""
    units, rng = ("a", "b", "c"), random.Random(0)
    found = {"".join(disturb_once(units, lambda unit: ("x",), rng)) for _ in range(2000)}
    assert found == {"xbc", "axc", "abx", "bc", "ac", "ab", "bac", "acb", "axbc", "abxc", "abcx"}
    assert {"".join(disturb_once(units, no_synonyms, rng)) for _ in range(2000)} == {
        "abc",
        "bc",
        "ac",
        "ab",
        "bac",
        "acb",
    }
    assert units == ("a", "b", "c")


@given(hashtags, thesauri, seeds, languages, st.lists(hashtags, max_size=5))
def test_never_empty_nor_the_original_nor_forbidden(
    hashtag: str, synonyms: Synonyms, seed: int, language: str, forbidden: list[str]
) -> None:
    disturbed = disturb(hashtag, synonyms, random.Random(seed), language, forbidden)
    assert disturbed == " ".join(disturbed.split()) != ""
    assert key(disturbed) not in {key(hashtag), *map(key, forbidden)}


@given(hashtags, thesauri, seeds, languages)
def test_equal_seeds_give_equal_results(hashtag: str, synonyms: Synonyms, seed: int, language: str) -> None:
    first, second = (disturb(hashtag, synonyms, random.Random(seed), language) for _ in range(2))
    assert first == second


def test_shares_of_the_paper_where_every_operation_is_possible() -> None:
    rng, draws = random.Random(0), 10_000
    counts = Counter(operation_of(disturb("big red", thesaurus, rng)) for _ in range(draws))
    assert {name: count / draws for name, count in counts.items()} == pytest.approx(
        {"replace": 0.7, "delete": 0.1, "swap": 0.1, "insert": 0.1}, abs=0.015
    )


def test_all_results_of_two_words() -> None:
    rng = random.Random(0)
    replaced = {"large red", "big crimson", "big scarlet"}
    inserted = {"big large red", "big red crimson", "big red scarlet"}
    expected = replaced | inserted | {"big", "red", "red big"}
    assert {disturb("big red", thesaurus, rng) for _ in range(2_000)} == expected


def test_swap_takes_either_neighbour_and_reaches_every_pair() -> None:
    rng = random.Random(0)
    results = Counter(disturb("x y z", no_synonyms, rng) for _ in range(3_000))
    assert set(results) == {"y x z", "x z y", "y z", "x z", "x y"}
    assert results["y x z"] / results["x z y"] == pytest.approx(1, abs=0.2)


def test_single_word_with_synonyms_is_replaced_or_followed_by_one() -> None:
    rng = random.Random(0)
    expected = {"auto", "motor car", "car auto", "car motor car"}
    assert {disturb("car", thesaurus, rng) for _ in range(500)} == expected


def test_single_word_without_synonyms_loses_or_swaps_a_character() -> None:
    rng = random.Random(0)
    assert {disturb("lit", no_synonyms, rng) for _ in range(500)} == {"it", "lt", "li", "ilt", "lti"}


def test_chinese_units_are_characters_and_latin_runs() -> None:
    rng = random.Random(0)
    expected = {"年nba", "新nba", "新年", "年新nba", "新nba年"}
    assert {disturb("新年nba", no_synonyms, rng, "zh") for _ in range(500)} == expected


def test_forbidden_hashtags_do_not_come_out() -> None:
    rng = random.Random(0)
    forbidden = ("Y Z", "x  z", "x y")
    assert {disturb("x y z", no_synonyms, rng, forbidden=forbidden) for _ in range(200)} == {"y x z", "x z y"}


def test_last_resort_repeats_the_last_character() -> None:
    assert disturb("a", no_synonyms, random.Random(0)) == "aa"
    assert disturb_characters("ab", random.Random(0), {"ab", "a", "b", "ba", "abb"}) == "abbb"


@pytest.mark.parametrize("hashtag", ["", " \t"])
def test_empty_hashtag_is_refused(hashtag: str) -> None:
    with pytest.raises(ValueError, match="empty hashtag"):
        disturb(hashtag, no_synonyms, random.Random(0))


def test_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="Unknown language 'de': expected one of en, zh"):
        disturb("auto", no_synonyms, random.Random(0), "de")
