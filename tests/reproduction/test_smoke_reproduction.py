"""`reproduce.py --smoke` on data of any size and script: a few of the posts, in the language of the data set."""

from __future__ import annotations

import argparse
import json
import random
import runpy
from pathlib import Path

import pytest
from reproduction.pretraining.tokenizer import train_tokenizer

from right_hf import Post
from tests.support.command_line import ROOT, run_script

_SIZES = {"train": 400, "validation": 120, "test": 50}
_REPRODUCE = runpy.run_path(str(ROOT / "training/reproduce.py"))


def _chinese(folder: Path) -> Path:
    """Posts of more different characters than a small vocabulary holds; every second post of one of three topics."""
    rng = random.Random(0)
    folder.mkdir()
    for split, size in _SIZES.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(size):
                topic = number % 3 if number % 2 else rng.randrange(3, 90)
                text = "".join(chr(0x4E00 + 10 * topic + rng.randrange(10)) for _ in range(12))
                tag = "".join(chr(0x4E00 + 10 * topic + place) for place in range(2))
                record = {"id": f"{split}-{number}", "text": text, "hashtags": [tag], "license": "MIT"}
                file.write(json.dumps({**record, "created_at": None}) + "\n")
    return folder


@pytest.mark.slow
def test_smoke_runs_on_chinese_posts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _chinese(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    command = ["training/reproduce.py", "--dataset", "weibo-zh", "--data", str(data), "--smoke", "--seeds", "0"]
    run_script([*command, "--output", "out", "--table", "3", "--rows", "BM25", "Seq2Seq"], monkeypatch)
    result = json.loads((tmp_path / "out/weibo-zh-smoke/table-3.json").read_text(encoding="utf-8"))
    assert result["config"]["language"] == "zh"
    assert result["config"]["retriever"]["analyser"].startswith("chinese")
    assert result["training_posts"] < _SIZES["train"]
    assert result["rows"]["BM25"]["scores"]["f1@1"][0] > 10


def test_smoke_takes_the_language_of_the_data_set() -> None:
    arguments = argparse.Namespace(dataset="weibo-zh", plan=None, smoke=True, protocol="small")
    assert _REPRODUCE["_plan"](arguments).recipe.language == "zh"
    arguments.dataset = "another"
    assert _REPRODUCE["_plan"](arguments).recipe.language == "en"
    arguments.smoke, arguments.dataset = False, "weibo-zh"
    assert _REPRODUCE["_plan"](arguments).recipe.selector.vocabulary_size > 4000


def test_smoke_takes_each_post_once_and_common_hashtags_first() -> None:
    posts = {
        split: [Post(f"{split}-{n}", f"text {n}", ("common",) if n % 10 == 0 else (f"rare {n}",)) for n in range(1000)]
        for split in _SIZES
    }
    few = _REPRODUCE["_few"](posts)
    for split, chosen in few.items():
        assert len({post.id for post in chosen}) == len(chosen) == _REPRODUCE["_SMOKE_POSTS"][split]
        assert sum("common" in post.hashtags for post in chosen) > 0.4 * len(chosen)  # a tenth of all


def test_a_vocabulary_too_small_for_the_characters_says_so() -> None:
    texts = ["".join(chr(0x4E00 + place) for place in range(start, start + 20)) for start in range(0, 500, 20)]
    with pytest.raises(ValueError, match="Raise vocabulary_size"):
        train_tokenizer(texts, 100)
