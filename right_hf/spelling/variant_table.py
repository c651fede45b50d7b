"""The table of variants: a file that people can read and correct."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from right_hf.persistence import write_text
from right_hf.spelling.variants import Merge, final_mains
from right_hf.text.hashtags import hashtag_key

VARIANTS_FILE = "variants.tsv"
_COLUMNS = ("variant", "main", "posts of variant", "posts of main", "similarity")
_HEAD = (
    "# Hashtags that count as one: the first is taken for the second. Remove, add or turn round lines at will;\n"
    "# the last three columns say why a line was proposed and may be left out. Columns are divided by tabs.\n"
)


def write_table(path: Path, merges: Iterable[Merge]) -> None:
    """Writes merges as tab-separated lines, in the order of their variants; the file appears whole or not at all.

    Raises:
        ValueError: The merges contradict each other, as [`read_table`] has it.
    """
    ordered = sorted(merges, key=lambda merge: (merge.variant, merge.main))
    lines = ["\t".join(_cells(merge)).rstrip("\t") for merge in ordered]
    _check({f"merge {number}": merge for number, merge in enumerate(ordered, start=1)})
    write_text(path, _HEAD + "\n".join(["# " + "\t".join(_COLUMNS), *lines]) + "\n")


def _cells(merge: Merge) -> list[str]:
    evidence = (merge.variant_posts, merge.main_posts, merge.similarity)
    return [merge.variant, merge.main, *("" if value is None else str(value) for value in evidence)]


def read_table(path: Path) -> list[Merge]:
    """Reads merges; empty lines and those that begin with `#` are passed over.

    Hashtags may be written in any form, but without hash sign. A chain (a to b, b to c) is allowed, see
    [`merged_keys`].

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is damaged, names a variant for the second time or is part of a circle; the message names it.
    """
    merges: dict[str, Merge] = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected UTF-8 ({error}). Convert the file to UTF-8.") from error
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                merges[f"line {number}"] = _parsed(line.rstrip("\r"))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error} Correct or remove the line.") from error
    try:
        _check(merges)
    except ValueError as error:
        raise ValueError(f"{path}, {error}") from error
    return list(merges.values())


def _parsed(line: str) -> Merge:
    cells = [cell.strip() for cell in line.split("\t")]
    if not 2 <= len(cells) <= len(_COLUMNS):
        raise ValueError(f"expected 2 to 5 columns ({', '.join(_COLUMNS)}) divided by tabs, got {len(cells)}.")
    variant, main = (hashtag_key(cell) for cell in cells[:2])
    if not variant or not main:
        raise ValueError(f"expected two hashtags, got {cells[0]!r} and {cells[1]!r}.")
    posts = [_number(cell, name) for cell, name in zip(cells[2:4], _COLUMNS[2:4], strict=False)]
    counts = [*posts, None, None]
    return Merge(variant, main, counts[0], counts[1], _similarity(cells[4]) if len(cells) > 4 else None)


def _number(cell: str, name: str) -> int | None:
    if cell and not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{name} must be a whole number or empty, got {cell!r}.")
    return int(cell) if cell else None


def _similarity(cell: str) -> float | None:
    try:
        value = float(cell) if cell else None
    except ValueError:
        value = -1.0
    if value is not None and not 0 <= value <= 1:
        raise ValueError(f"similarity must be a number from 0 to 1 or empty, got {cell!r}.")
    return value


def _check(merges: Mapping[str, Merge]) -> None:
    first: dict[str, str] = {}
    for place, merge in merges.items():
        if merge.variant == merge.main:
            raise ValueError(f"{place}: {merge.variant!r} is a variant of itself. Remove it.")
        if merge.variant in first:
            raise ValueError(
                f"{place}: {merge.variant!r} is a variant in {first[merge.variant]} too. Keep one of them."
            )
        first[merge.variant] = place
    try:
        merged_keys(merges.values())
    except ValueError as error:
        raise ValueError(f"{', '.join(_circle(merges))}: {error}") from error


def _circle(merges: Mapping[str, Merge]) -> list[str]:
    """The places of the merges that end in no main hashtag."""
    mains = {merge.variant: merge.main for merge in merges.values()}
    return [place for place, merge in merges.items() if _returns(merge.variant, mains)]


def _returns(variant: str, mains: Mapping[str, str]) -> bool:
    at = mains[variant]
    for _ in mains:
        if at == variant or at not in mains:
            break
        at = mains[at]
    return at == variant


def merged_keys(merges: Iterable[Merge]) -> dict[str, str]:
    """By the key of each variant that of its main hashtag; of a to b and b to c, a leads to c.

    Raises:
        ValueError: Variants lead to each other in a circle.
    """
    return final_mains({merge.variant: merge.main for merge in merges})
