from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from right_hf.trainers.wordnet import Synonyms, load_synonyms, no_synonyms, synonyms_of
from tests.support.paths import WORDNET

FOLDER = WORDNET


@pytest.fixture(scope="module")
def synonyms() -> Synonyms:
    return load_synonyms(FOLDER)


def test_lemmas_of_all_senses_in_order_of_frequency(synonyms: Synonyms) -> None:
    assert synonyms("car") == ("auto", "automobile", "motorcar", "railcar", "railway car")


def test_first_senses_of_all_parts_of_speech_precede_second_senses(synonyms: Synonyms) -> None:
    assert synonyms("run") == ("tally", "jog", "operate")
    assert synonyms("fast") == ("fasting", "quick", "quickly")


@pytest.mark.parametrize("word", ["railway car", "railway_car", "Railway  Car"])
def test_multi_word_lookup_ignores_case_and_separator(synonyms: Synonyms, word: str) -> None:
    assert synonyms(word) == ("car", "railcar")


def test_lemmas_are_lower_case(synonyms: Synonyms) -> None:
    assert synonyms("PARIS") == ("city of light",)
    assert synonyms("dog") == ("domestic dog", "canis familiaris")


def test_syntactic_markers_are_cut(synonyms: Synonyms) -> None:
    assert synonyms("abounding") == ("galore",)
    assert synonyms("dormant") == ("asleep",)
    assert synonyms("asleep") == ("dormant",)


@pytest.mark.parametrize("word", ["nosuchword", "", " ", "\x00", "\ud800", "車"])
def test_unknown_words_have_no_synonyms(synonyms: Synonyms, word: str) -> None:
    assert synonyms(word) == ()
    assert no_synonyms(word) == ()


def test_missing_files_are_named(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "wordnet")
    (tmp_path / "wordnet" / "data.verb").unlink()
    with pytest.raises(FileNotFoundError, match=r"data\.verb"):
        load_synonyms(tmp_path / "wordnet")


def test_without_wordnet_there_are_no_synonyms_and_a_warning_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert synonyms_of("en", FOLDER)("dog")
    assert synonyms_of("zh", tmp_path) is no_synonyms
    assert not caplog.records
    shutil.copytree(FOLDER, tmp_path / "wordnet")
    (tmp_path / "wordnet" / "data.verb").unlink()
    assert synonyms_of("en", tmp_path / "wordnet") is no_synonyms
    [record] = caplog.records
    for part in (
        "data.verb is missing",
        "without synonyms",
        "apt-get install wordnet-base",
        "selector: {wordnet: FOLDER}",
    ):
        assert part in record.getMessage()


def test_malformed_index_names_file_and_line(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "index.adv").write_text("  1 licence\nquickly r one 00000000\n")
    with pytest.raises(ValueError, match=r"index\.adv, line 2: expected"):
        load_synonyms(tmp_path)


@pytest.mark.parametrize("data", [b"", b"  another version | with other offsets\n" * 20])
def test_data_that_does_not_fit_the_index_is_refused(tmp_path: Path, data: bytes) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "data.noun").write_bytes(data)
    synonyms = load_synonyms(tmp_path)
    with pytest.raises(ValueError, match=r"data\.noun: expected a synset at byte \d+.*one WordNet version"):
        synonyms("dog")
