from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.spelling.counts import SpellingCounts

SPELLINGS = st.sampled_from(["IoT", "iot", "#IoT", "COVID19", "Covid_19", "c#", "CSharp", "物联网", "", "🎉"])
USES = st.lists(st.tuples(SPELLINGS, st.integers(1, 5)), max_size=20)


def counted(uses: list[tuple[str, int]]) -> SpellingCounts:
    counts = SpellingCounts()
    for spelling, number in uses:
        counts.add(spelling, number)
    return counts


@given(USES, USES)
def test_what_is_added_and_removed_leaves_the_rest(uses: list[tuple[str, int]], more: list[tuple[str, int]]) -> None:
    counts = counted(uses + more)
    assert counts == counted(more + uses) == SpellingCounts.merged([counted(uses), counted(more)])
    for spelling, number in more:
        counts.remove(spelling, number)
    assert counts == counted(uses)
    assert len(counts) == len(counts.keys()) == len(list(counts.items()))


@given(USES)
def test_a_file_and_a_pickle_hold_all(uses: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder:
        check_file(Path(folder), uses)


def check_file(folder: Path, uses: list[tuple[str, int]]) -> None:
    counts = counted(uses)
    counts.save(folder)
    first = (folder / "spellings.json").read_bytes()
    assert SpellingCounts.load(folder) == counts == pickle.loads(pickle.dumps(counts))
    counted(uses[::-1]).save(folder)
    assert (folder / "spellings.json").read_bytes() == first


def test_a_file_is_readable_and_in_order(tmp_path: Path) -> None:
    SpellingCounts({"iot": 2, "IoT": 9, "COVID19": 1}).save(tmp_path)
    assert (tmp_path / "spellings.json").read_text() == '{\n  "COVID19": 1,\n  "IoT": 9,\n  "iot": 2\n}\n'


def test_spellings_are_found_by_any_form() -> None:
    counts = SpellingCounts({"COVID19": 5, "#Covid_19": 2, "covid-19": 2})
    assert counts.of("covid 19") == {"COVID19": 5, "Covid_19": 2, "covid-19": 2}
    assert counts.most_common("#covid19") == "COVID19"
    assert counts.total("covid19") == 9
    assert "Covid 19" in counts
    assert counts.most_common("unknown") is None
    assert counts.total("unknown") == 0


def test_copies_go_their_own_way_and_snapshots_stay() -> None:
    counts = SpellingCounts({"IoT": 1})
    seen, copy = counts.of("iot"), counts.copy()
    counts.add("iot")
    assert seen == {"IoT": 1} == copy.of("iot")


@pytest.mark.parametrize("number", [0, -1, 1.5, True, "2", None])
def test_uses_are_whole_numbers(number: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number above 0"):
        SpellingCounts().add("IoT", number)  # type: ignore[arg-type]


def test_more_than_was_counted_cannot_be_removed() -> None:
    counts = SpellingCounts({"IoT": 1})
    with pytest.raises(ValueError, match="2 uses of 'IoT' were to be removed, but 1 are counted"):
        counts.remove("IoT", 2)
    assert counts == SpellingCounts({"IoT": 1})


@pytest.mark.parametrize("content", [[], {"IoT": 1.5}, {"IoT": "many"}, {"IoT": -1}])
def test_a_damaged_file_is_refused_by_name(content: object, tmp_path: Path) -> None:
    (tmp_path / "spellings.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"spellings\.json"):
        SpellingCounts.load(tmp_path)


def test_a_folder_without_the_file_holds_none(tmp_path: Path) -> None:
    assert SpellingCounts.load(tmp_path) == SpellingCounts()


def test_readers_see_whole_counts_while_one_writes() -> None:
    counts = SpellingCounts()

    def write() -> None:
        for number in range(3000):
            counts.add(f"Tag{number % 50}")
            counts.add(f"tag{number % 50}")

    writer = Thread(target=write)
    writer.start()
    while writer.is_alive():
        for _, spellings in counts.items():
            assert sum(spellings.values()) > 0
    writer.join()
    assert Counter(counts.total(key) for key in counts.keys()) == {120: 50}  # noqa: SIM118
