from __future__ import annotations

import json
from pathlib import Path

import pytest
from data_report import spelling_counts, spellings

from right_hf.posts import Post
from right_hf.retriever import BM25Retriever
from right_hf.spelling.counts import SpellingCounts
from right_hf.spelling.variant_table import read_table
from right_hf.spelling.variants import Merge

POSTS = [
    {"id": f"{tag}{n}", "text": "flour water salt oven" if "recipe" in tag else "server region", "hashtags": [tag]}
    for tag in ("recipe", "recipes", "iot", "cloud")
    for n in range(4)
]
SURFACES = [
    {"hashtag": "iot", "surfaces": {"IoT": 5, "iot": 2}, "licensed": {"iot": 1}},
    {"hashtag": "wvd", "surfaces": {"WVD": 5}, "licensed": {"WVD": 5}},
]


@pytest.fixture
def surfaces(tmp_path: Path) -> Path:
    path = tmp_path / "surfaces.jsonl"
    path.write_text("\n".join(map(json.dumps, SURFACES)))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(map(json.dumps, POSTS)))
    return tmp_path / "data"


def test_the_report_shows_styles_and_merges(
    data: Path, surfaces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "variants.tsv"
    spellings.main(["--data", str(data), "--surfaces", str(surfaces), "--table", str(table)])
    printed = capsys.readouterr().out
    assert "4 of 4 hashtags can be posted everywhere; of 1 of these (25.0 %)" in printed
    assert "| iot | iot | Iot | IoT |" in printed
    assert "4 hashtags have 4 keys: 0 are merged by key alone. 1 more are plural" in printed
    assert "| recipes | recipe | 4 | 4 | 1.0 |" in printed
    assert read_table(table) == [Merge("recipes", "recipe", 4, 4, 1.0)]


def test_only_licensed_uses_of_the_hashtags_of_a_corpus_are_published(data: Path, surfaces: Path) -> None:
    spelling_counts.main(["--surfaces", str(surfaces), "--data", str(data), "--output", str(data / "out")])
    assert SpellingCounts.load(data / "out") == SpellingCounts({"iot": 1})


def test_a_saved_index_is_read_too(tmp_path: Path) -> None:
    posts = [Post("a", "some words", ("iot",), license="MIT"), Post("b", "more words", ("cloud",))]
    BM25Retriever.from_posts(posts).save_pretrained(tmp_path / "index")
    assert spelling_counts.load_posts(str(tmp_path / "index")) == posts
    assert spelling_counts.load_posts(str(tmp_path / "index"), ["MIT"]) == posts[:1]


@pytest.mark.parametrize("line", ["[]", "{}", '{"surfaces": 3}', '{"surfaces": {"IoT": 1.5}}', "x"])
def test_a_damaged_line_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text(f'{{"surfaces": {{}}}}\n{line}\n')
    with pytest.raises(ValueError, match=r"s\.jsonl, line 2: no counts in 'surfaces'"):
        spelling_counts.read_surfaces(tmp_path / "s.jsonl")
