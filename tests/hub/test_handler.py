from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from right_hf import RightModel
from right_hf.handler import EndpointHandler
from right_hf.hub.publish import handler_files


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, model: RightModel) -> Path:
    """A checkpoint with a copy of the handler, as a push leaves it on the Hub."""
    folder = tmp_path_factory.mktemp("endpoint") / "tiny"
    model.save_pretrained(folder)
    for name, content in handler_files().items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def handler(checkpoint: Path) -> Any:
    """The copy's class, loaded as an endpoint loads it: by path, called with the folder."""
    spec = importlib.util.spec_from_file_location("endpoint_handler", checkpoint / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EndpointHandler(str(checkpoint))


def test_one_post_and_several(handler: Any, model: RightModel) -> None:
    one = handler({"inputs": "warm seas and reef"})
    assert [entry["hashtag"] for entry in one] == [
        found.hashtag for found in model.recommend(["warm seas and reef"], style="common")[0]
    ]
    assert handler({"inputs": ["warm seas and reef", ""], "parameters": None}) == [one, []]
    assert handler({"inputs": []}) == []


def test_what_is_no_post_is_passed_over_on_demand(handler: Any) -> None:
    skip = {"errors": "skip"}
    [one] = handler({"inputs": ["warm seas and reef"]})
    assert handler({"inputs": ["warm seas and reef", None, 3], "parameters": skip}) == [one, None, None]


def test_parameters(handler: Any) -> None:
    assert len(handler({"inputs": "warm seas and reef", "parameters": {"top_k": 2}})) == 2
    assert handler({"inputs": "warm seas", "parameters": {"threshold": 1.0}}) == []


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "must be a post or a list of posts"),
        ({"inputs": {"text": "a"}}, "must be a post or a list of posts"),
        ({"inputs": ["a", 1]}, r"Post 1 \(counted from 0\) must be a string.*got int: 1"),
        ({"inputs": "a", "parameters": {"top_k": True}}, "top_k must be at least 1, got True"),
        ({"inputs": "a", "parameters": {"threshold": "0.5"}}, "threshold must lie between 0 and 1, got '0.5'"),
        ({"inputs": "a", "parameters": {"errors": "ignore"}}, "errors must be"),
        (["a"], "must be an object with"),
        ({"inputs": "a", "parameters": {"device": 1}}, "the unknown 'device'"),
        ({"inputs": "a", "parameters": "fast"}, "must be an object"),
        ({"inputs": "a", "parameters": {"top_k": 0}}, "top_k must be at least 1"),
    ],
)
def test_wrong_requests(handler: Any, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        handler(request_)


def test_the_handler_travels_as_a_record(tmp_path: Path, checkpoint: Path) -> None:
    model = RightModel.from_pretrained(checkpoint)
    model.records |= handler_files()
    model.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "handler.py").read_text(encoding="utf-8") == handler_files()["handler.py"]
    assert handler_files()["requirements.txt"].startswith("right_hf==")


def test_without_a_path_it_serves_the_packages_checkpoint() -> None:
    assert EndpointHandler().pipeline.model.config.language == "en"
