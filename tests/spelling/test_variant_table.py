from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from right_hf.spelling.variant_table import merged_keys, read_table, write_table
from right_hf.spelling.variants import Merge

MERGES = [Merge("recipe", "recipes", 153, 213, 0.536), Merge("表", "图表"), Merge("allergy", "allergies", 20, 48, 0.28)]


def test_a_table_is_read_as_it_was_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "variants.tsv"
    write_table(path, MERGES)
    assert read_table(path) == sorted(MERGES, key=lambda merge: merge.variant)
    first = path.read_bytes()
    write_table(path, MERGES[::-1])
    assert path.read_bytes() == first
    assert "recipe\trecipes\t153\t213\t0.536\n" in first.decode()
    assert "表\t图表\n" in first.decode()


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.sampled_from("ghij"), st.integers(0, 9)), max_size=6))
def test_any_table_survives(content: dict[str, tuple[str, int]]) -> None:
    merges = [Merge(variant, main, posts, 9, posts / 9) for variant, (main, posts) in sorted(content.items())]
    with TemporaryDirectory() as folder:
        write_table(Path(folder) / "v.tsv", merges)
        assert read_table(Path(folder) / "v.tsv") == merges


def test_people_write_hashtags_as_they_like(tmp_path: Path) -> None:
    path = tmp_path / "v.tsv"
    path.write_bytes("\ufeff# mine\r\n\r\nDev-Ops\tDev Ops Teams\r\n#a\tb\r\ndev ops teams\tTeams\t3\r\n".encode())
    merges = read_table(path)
    assert merges == [Merge("devops", "devopsteams"), Merge("devopsteams", "teams", 3)]
    assert merged_keys(merges) == {"devops": "teams", "devopsteams": "teams"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("a", "line 2: expected 2 to 5 columns"),
        ("a\tb\t1\t2\t0.5\tx", "line 2: expected 2 to 5 columns"),
        ("a\t&", "line 2: expected two hashtags, got 'a' and '&'"),
        ("a\tb\tmany", "line 2: posts of variant must be a whole number or empty, got 'many'"),
        ("a\tb\t1\t-2", "line 2: posts of main must be a whole number or empty, got '-2'"),
        ("a\tb\t1\t2\tnan", "line 2: similarity must be a number from 0 to 1 or empty, got 'nan'"),
        ("a\tb\t1\t2\thigh", "line 2: similarity must be a number from 0 to 1"),
        ("b-c\tBC", "line 2: 'bc' is a variant of itself"),
        ("a\tb\na\tc", "line 3: 'a' is a variant in line 2 too"),
        ("x\ta\na\tb\nb\tc\nc\ta", "line 3, line 4, line 5: Variants lead to each other in a circle: a → b → c → a"),
    ],
)
def test_a_damaged_table_is_refused_by_its_line(lines: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "v.tsv"
    path.write_text(f"# head\n{lines}\n", encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_table_of_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.tsv").write_bytes("caf\xe9\tcafes".encode("latin-1"))
    with pytest.raises(ValueError, match="expected UTF-8"):
        read_table(tmp_path / "v.tsv")


def test_merges_that_contradict_each_other_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'a' is a variant in merge 1 too"):
        write_table(tmp_path / "v.tsv", [Merge("a", "b"), Merge("a", "c")])
    assert not list(tmp_path.iterdir())
