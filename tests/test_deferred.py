"""The generator that is loaded when somebody asks for it."""

from __future__ import annotations

import copy
import json
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, pipeline

from right_hf import RightConfig, RightModel
from right_hf.deferred import Deferred, made

POSTS = ["Windows desktop in the cloud"]


@pytest.fixture
def lean(model: RightModel, tmp_path: Path) -> Path:
    """A checkpoint that answers without its generator."""
    model.save_pretrained(tmp_path / "lean")
    file = tmp_path / "lean" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"generate_when": 0.0}))
    return tmp_path / "lean"


def is_waiting(model: RightModel) -> bool:
    return bool(model._waiting)


def test_answers_do_not_take_the_generator(lean: Path, model: RightModel) -> None:
    loaded = RightModel.from_pretrained(lean)
    found = loaded.recommend(POSTS, top_k=100)
    assert found == RightModel.from_pretrained(lean, generator=False).recommend(POSTS, top_k=100)
    pipe = pipeline("hashtag-recommendation", model=loaded)
    assert [entry["hashtag"] for entry in pipe(POSTS[0])] == [one.hashtag for one in found[0][:5]]
    assert loaded.config.generate_when == 0 and loaded.device.type == "cpu" and loaded.hf_device_map is None
    assert is_waiting(loaded)
    loaded.config.generate_when = 1.0
    assert loaded.recommend(POSTS) == model.recommend(POSTS)
    assert not is_waiting(loaded)


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.generator,
        lambda model: model.parts["generator"],
        lambda model: model.dtype,
        lambda model: pickle.loads(pickle.dumps(model)).generator,
        lambda model: copy.deepcopy(model).generator,
        lambda model: copy.copy(model).generator,
    ],
)
def test_it_is_loaded_for_whoever_asks(lean: Path, ask: Callable[[RightModel], Any]) -> None:
    loaded = RightModel.from_pretrained(lean, dtype="bfloat16")
    assert is_waiting(loaded)
    assert ask(loaded) is not None
    assert not is_waiting(loaded)
    assert loaded.dtype is torch.bfloat16
    assert loaded.networks[0] is loaded.generator.model  # type: ignore[union-attr]


def test_it_is_saved_with_the_others(lean: Path, tmp_path: Path) -> None:
    RightModel.from_pretrained(lean).save_pretrained(tmp_path / "again")
    again = RightModel.from_pretrained(tmp_path / "again")
    assert again.config.generate_when == 0 and is_waiting(again) and again.generator is not None


def test_it_goes_where_the_model_was_sent(lean: Path) -> None:
    loaded = RightModel.from_pretrained(lean).to("meta")
    assert is_waiting(loaded) and loaded.device.type == "meta"
    assert loaded.to("cpu").generator.model.device.type == "cpu"  # type: ignore[union-attr]


def test_options_are_checked_at_once(lean: Path) -> None:
    for wrong in ({"merge": True}, {"revison": "abc"}):
        with pytest.raises(TypeError, match="Unknown argument"):
            RightModel.from_pretrained(lean, **wrong)  # type: ignore[arg-type]
    for bad in ({"dtype": "float17"}, {"device": "nowhere"}, {"generate_when": 1.5}):
        with pytest.raises(ValueError, match=r"float17|nowhere|generate_when"):
            RightModel.from_pretrained(lean, **bad)  # type: ignore[arg-type]


def test_an_argument_takes_the_place_of_the_configuration(lean: Path, checkpoint: str) -> None:
    assert not is_waiting(RightModel.from_pretrained(lean, generate_when=1.0))
    assert not is_waiting(AutoModel.from_pretrained(lean, generate_when=1.0))
    assert not is_waiting(RightModel.from_pretrained(checkpoint))
    assert is_waiting(RightModel.from_pretrained(checkpoint, generate_when=0))
    assert RightModel.from_pretrained(lean, generator=False).generator is None
    assert RightConfig().generate_when == 1.0
    with pytest.raises(ValueError, match="generate_when must lie between 0 and 1, got 2"):
        RightConfig(generate_when=2)


def test_what_cannot_be_loaded_is_said_when_it_is_asked_for(lean: Path) -> None:
    (lean / "generator" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="holds no loadable") as now:
        RightModel.from_pretrained(lean, generate_when=1.0)
    loaded = RightModel.from_pretrained(lean)
    assert loaded.recommend(POSTS)[0]
    for _ in range(2):
        with pytest.raises(ValueError, match="holds no loadable") as later:
            _ = loaded.generator
        assert str(later.value) == str(now.value)


def test_threads_that_ask_at_once_get_the_same() -> None:
    calls: list[int] = []
    ready = threading.Barrier(4)

    def load() -> object:
        calls.append(1)
        time.sleep(0.05)  # long enough for the others to ask meanwhile
        return object()

    part: Deferred[object] = Deferred(load)
    found: list[object] = []

    def ask() -> None:
        ready.wait()
        found.append(made(part))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(map(id, found))) == 1 and len(calls) == 1
