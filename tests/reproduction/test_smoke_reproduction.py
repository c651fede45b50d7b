"""`reproduce.py --smoke`: every table from a clone; data of any size and script, a few of whose posts it takes."""

from __future__ import annotations

import argparse
import json
import os
import random
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reproduction.pretraining.tokenizer import train_tokenizer
from reproduction.smoke import SMOKE_POSTS, few_posts, shown_posts
from reproduction.tables import TABLES

from right_hf import Post
from right_hf.generator import DecoderGenerator
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


def _files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_clone_runs_every_table_without_anything_more_and_keeps_nothing(tmp_path: Path) -> None:
    clone, scratch = tmp_path / "clone", tmp_path / "scratch"
    for folder in ("right_hf", "training"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    scratch.mkdir()
    before = _files(clone)
    variables = {**os.environ, "PYTHONPATH": str(clone), "TMPDIR": str(scratch), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "training/reproduce.py", "--smoke"]
    done = subprocess.run(command, cwd=clone, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    headings = [line.removeprefix("# ") for line in done.stdout.splitlines() if line.startswith("# ")]
    assert headings == list(TABLES)
    assert "WordNet is not in" in done.stderr or Path("/usr/share/wordnet").is_dir()
    assert _files(clone) == before
    assert not _files(scratch)


def test_the_posts_of_the_repository_are_split_by_time() -> None:
    splits = shown_posts()
    posts = [post for split in splits.values() for post in split]
    assert len({post.id for post in posts}) == len(posts) == 699
    dated = {name: [post.created_at for post in split if post.created_at] for name, split in splits.items()}
    assert max(dated["train"]) <= min(dated["validation"]) and max(dated["validation"]) <= min(dated["test"])
    assert all(len(splits[name]) == len(dated[name]) for name in ("validation", "test"))
    assert all(post.license in ("MIT", "CC-BY-4.0") for post in posts)


@pytest.mark.parametrize("options", [[], ["--dataset", "tweets-en"], ["--table", "3"]])
def test_without_smoke_data_and_table_must_be_named(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_script(["training/reproduce.py", *options], monkeypatch)
    assert "give --dataset and --table, or --smoke" in capsys.readouterr().err


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
    arguments = argparse.Namespace(dataset="weibo-zh", plan=None, smoke=True, protocol="small", wordnet=None)
    assert _REPRODUCE["_plan"](arguments).recipe.language == "zh"
    arguments.dataset = "another"
    assert _REPRODUCE["_plan"](arguments).recipe.language == "en"
    arguments.smoke, arguments.dataset = False, "weibo-zh"
    assert _REPRODUCE["_plan"](arguments).right.values["pretraining"]["selector"]["vocabulary_size"] > 4000
    arguments.wordnet = "elsewhere"
    assert _REPRODUCE["_plan"](arguments).simcse.recipe.selector.wordnet == "elsewhere"


def test_smoke_takes_each_post_once_and_common_hashtags_first() -> None:
    posts = {
        split: [Post(f"{split}-{n}", f"text {n}", ("common",) if n % 10 == 0 else (f"rare {n}",)) for n in range(1000)]
        for split in _SIZES
    }
    few = few_posts(posts)
    for split, chosen in few.items():
        assert len({post.id for post in chosen}) == len(chosen) == SMOKE_POSTS[split]
        assert sum("common" in post.hashtags for post in chosen) > 0.4 * len(chosen)  # a tenth of all


def test_a_vocabulary_too_small_for_the_characters_says_so() -> None:
    texts = ["".join(chr(0x4E00 + place) for place in range(start, start + 20)) for start in range(0, 500, 20)]
    with pytest.raises(ValueError, match="Raise vocabulary_size"):
        train_tokenizer(texts, 100)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_chat_model_on_this_machine_is_a_decoder_with_the_papers_prompt(
    tiny_decoder: DecoderGenerator, tmp_path: Path, language: str
) -> None:
    tiny_decoder.save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "generator_config.json").unlink()
    config = json.loads((tmp_path / "model" / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "model" / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 600}))
    arguments = argparse.Namespace(chat_model=str(tmp_path / "model"), chat_base_url=None)
    chat = _REPRODUCE["_chat"](arguments, language, tmp_path / "answers")
    assert (chat.type, chat.format.language, chat.format.template) == ("decoder", language, "paper")
    assert len(chat.generate(["bread"], [["cloud"]])) == 1
