"""The shares of hashtags that a person could post."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from everyday import postable, read_judged


@pytest.fixture
def file(tmp_path: Path) -> Path:
    lines = [
        {"text": "Great coffee #vienna", "hashtags": ["coffee"], "also": ["Vienna Coffee"]},
        {"text": "Rain", "hashtags": ["rain"], "also": []},
    ]
    path = tmp_path / "judged.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_a_hashtag_fits_whatever_its_spelling(file: Path) -> None:
    judged = read_judged(file)
    assert [one.post.text for one in judged][1] == "Rain"
    answers = [["#ViennaCoffee", "tea", "coffee"], ["Rain"]]
    assert postable(judged, answers, 1) == 100
    assert postable(judged, answers, 3) == pytest.approx(50)  # empty places do not count
    assert postable(judged, [["coffee", "coffee", "coffee"], []], 3) == pytest.approx(100 / 6)


def test_a_line_that_is_not_judged_is_named(file: Path) -> None:
    file.write_text(file.read_text() + '\n{"text": "Sun", "hashtags": ["sun"]}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"judged\.jsonl, line 3: expected text, hashtags and also"):
        read_judged(file)
