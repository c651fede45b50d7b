"""Parts of a checkpoint: replaced, left out, and where they lay before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from right_hf import BM25Retriever, Post, RightModel

POSTS = ["Windows desktop in the cloud", "sourdough bread"]


def test_a_component_can_be_swapped(model: RightModel, checkpoint: str, tmp_path: Path) -> None:
    BM25Retriever.from_posts([Post("new", "windows desktop", ("fresh hashtag",))]).save_pretrained(tmp_path / "index")
    swapped = RightModel.from_pretrained(checkpoint, retriever=str(tmp_path / "index"))
    found = swapped.recommend(["windows desktop"], top_k=100)[0]
    assert [r.evidence for r in found if r.hashtag == "fresh hashtag"] == [["new"]]


def test_mistyped_arguments_are_refused(checkpoint: str) -> None:
    with pytest.raises(TypeError, match="Unknown argument 'revison'"):
        RightModel.from_pretrained(checkpoint, revison="abc")
    with pytest.raises(ValueError, match="float17"):
        RightModel.from_pretrained(checkpoint, dtype="float17")
    with pytest.raises(TypeError, match=r"Unknown argument 'merge': no part .* generator 'seq2seq'"):
        RightModel.from_pretrained(checkpoint, merge=True)


@pytest.fixture
def old_checkpoint(model: RightModel, tmp_path: Path) -> Path:
    """A checkpoint as it was before the weights of the fusion were a part."""
    folder = tmp_path / "old"
    model.save_pretrained(folder)
    weights = json.loads((folder / "ranker" / "ranker_config.json").read_text())
    weights.pop("ranker_type")
    shutil.rmtree(folder / "ranker")
    config = json.loads((folder / "config.json").read_text())
    config["components"].pop("ranker")
    (folder / "config.json").write_text(json.dumps(config | {"fusion": weights}))
    return folder


def test_a_checkpoint_of_before_loads_and_is_saved_as_now(model: RightModel, old_checkpoint: Path) -> None:
    loaded = RightModel.from_pretrained(old_checkpoint)
    assert loaded.recommend(POSTS) == model.recommend(POSTS)
    loaded.save_pretrained(old_checkpoint)
    config = json.loads((old_checkpoint / "config.json").read_text())
    assert config["fusion"] is None and config["components"]["ranker"] == {"subfolder": "ranker"}
    assert RightModel.from_pretrained(old_checkpoint).recommend(POSTS) == model.recommend(POSTS)


def test_a_checkpoint_goes_without_ranker_and_generator(model: RightModel, checkpoint: str, tmp_path: Path) -> None:
    lean = RightModel.from_pretrained(checkpoint, generator=False, ranker=False)
    assert lean.generator is None and lean.ranker is None
    lean.save_pretrained(tmp_path / "lean")
    assert {path.name for path in (tmp_path / "lean").iterdir() if path.is_dir()} == {"retriever", "selector"}
    loaded = RightModel.from_pretrained(tmp_path / "lean")
    for trace, found in zip(model.trace(POSTS), loaded.recommend(POSTS, top_k=100), strict=True):
        assert [r.hashtag for r in found] == [candidate.hashtag for candidate in trace.candidates]
        assert all(r.source == "retrieved" and r.evidence for r in found)
    with pytest.raises(ValueError, match="No checkpoint can do without a selector"):
        RightModel.from_pretrained(checkpoint, selector=False)


def test_a_ranker_without_the_generator_it_was_trained_with_is_warned_of(
    checkpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    RightModel.from_pretrained(checkpoint, generator=False)
    assert "trained with its generator" in caplog.text
    caplog.clear()
    RightModel.from_pretrained(checkpoint, generator=False, ranker=False)
    RightModel.from_pretrained(checkpoint)
    assert not caplog.text
