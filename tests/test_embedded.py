"""The checkpoints that come with the package, by their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from right_hf import DEFAULT_CHECKPOINT, Corpus, RightModel
from right_hf.embedded import EMBEDDED, embedded

LICENSES = {
    "right-en-small": {"MIT", "CC-BY-4.0", "CC0-1.0", "Unlicense", "CC-BY-3.0", "CC-BY-3.0 OR BSD-3-Clause"},
    "right-zh-small": {"MIT"},
}


@pytest.mark.parametrize("name", EMBEDDED)
def test_each_has_small_files_and_openly_licensed_posts_that_say_on_whose_word(name: str) -> None:
    folder = Path(embedded(name))
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 30_000_000
    corpus = Corpus.load(folder / "retriever")
    assert {post.license for post in corpus} == LICENSES[name]
    assert {post.basis for post in corpus} <= {"owner", "repository"}


def test_a_pipeline_takes_a_name_without_a_network() -> None:
    pipe: Any = transformers.pipeline("hashtag-recommendation", model="right-zh-small")  # type: ignore[call-overload]
    [first, *_] = pipe("来看看我拍的mv小胖子跳舞啦点此播放美拍录制", style="words")
    assert first["hashtag"] == "美拍"
    assert pipe.model.config.language == "zh"


def test_the_default_is_one_of_them() -> None:
    assert embedded("right-en-small") == DEFAULT_CHECKPOINT
    assert RightModel.from_pretrained("right-en-small").config.language == "en"


def test_other_names_and_a_folder_of_the_name_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert embedded("user/right") == "user/right"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right-en-small").mkdir()
    assert embedded("right-en-small") == "right-en-small"
