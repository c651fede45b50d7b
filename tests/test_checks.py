from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow
import pytest
import torch

from right_hf.checks import (
    check_device,
    check_dtype,
    check_generation,
    check_posts,
    place,
    probability,
    text_of,
    texts_of,
    whole_number,
)


@pytest.mark.parametrize("number", [3, np.int64(3), np.uint8(3), torch.tensor(3)])
def test_whole_numbers_of_any_kind(number: Any) -> None:
    assert type(whole_number(number, "k")) is int
    assert whole_number(number, "k", least=3) == 3


@pytest.mark.parametrize("number", [0, -1, True, np.True_, 1.0, 1.5, np.float32(2), "3", None, float("nan"), [1]])
def test_what_is_no_whole_number_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match=r"^k must be at least 1, got .*Give a whole number\.$"):
        whole_number(number, "k")


@pytest.mark.parametrize("number", [0, 1, 0.5, np.float32(0.5), np.float64(0.5), np.int64(1)])
def test_probabilities_of_any_kind(number: Any) -> None:
    assert probability(number, "threshold") == float(number)


@pytest.mark.parametrize("number", [-0.1, 1.5, float("nan"), "0.5", None, True, [0.5], 1j])
def test_what_is_no_probability_is_refused(number: Any) -> None:
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1, got"):
        probability(number, "threshold")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_beams": 0}, "num_beams must be at least 1, got 0"),
        ({"num_beams": True}, "num_beams must be at least 1, got True"),
        ({"max_new_tokens": 2.5}, "max_new_tokens must be at least 1, got 2.5"),
        ({"length_penalty": "x"}, "length_penalty must be a number, got 'x'"),
        (3, "generate_kwargs must be a dict"),
    ],
)
def test_generation_arguments(arguments: Any, message: str) -> None:
    check_generation({"num_beams": np.int64(2), "max_new_tokens": None, "temperature": 1, "do_sample": False})
    with pytest.raises((TypeError, ValueError), match=message):
        check_generation(arguments)


def test_texts() -> None:
    assert type(text_of(np.str_("a"))) is str
    assert texts_of(["a", {"text": "b"}, None, 3], "skip") == ["a", "b", None, None]
    with pytest.raises(TypeError, match=r"^Post 1 \(counted from 0\) must be a string.*got NoneType: None\. .*skip"):
        texts_of(["a", None])
    with pytest.raises(TypeError, match="got a mapping with 3 there"):
        text_of({"text": 3})
    with pytest.raises(TypeError, match=r"got a mapping with the keys 'train', 'test'\. .*data\[\"train\"\]"):
        text_of({"train": ["a"], "test": []})
    with pytest.raises(ValueError, match="errors must be"):
        texts_of([], "ignore")


class Frame:
    """A data frame as pandas and polars have them."""

    shape = (2, 2)
    columns = ("id", "text")

    def __iter__(self) -> Any:
        return iter(self.columns)


class LazyFrame:
    """One of polars that is not computed yet."""

    def collect_schema(self) -> list[str]:
        return ["id", "text"]

    @property
    def columns(self) -> list[str]:
        return self.collect_schema()


@pytest.mark.parametrize(
    ("posts", "instead"),
    [
        (Frame(), r'DataFrame|Frame with the columns id, text\. Pass pipe\(frame\["text"\]\)'),
        (LazyFrame(), r'pipe\(frame\["text"\]\)'),
        (pyarrow.table({"text": ["a"]}), r'columns text\. Pass pipe\(frame\["text"\]\)'),
        ({"text": "a"}, r'the keys \'text\'\. Pass pipe\(\[post\["text"\]\]\)'),
        ({"train": ["a"]}, r'Pass pipe\(data\["train"\]\)'),
        ("a", r"one string\. Pass pipe\(\['a'\]\)"),
        (b"a", r"post\.decode\(\)"),
        (bytearray(b"a"), r"post\.decode\(\)"),
        ({"a", "b"}, r"no order to answer in\. Pass pipe\(list\(posts\)\)"),
        ({"a": 1}.keys(), "no order"),
        (None, r"got a NoneType: None\. Pass pipe\(\[post\]\)"),
        (3, "got a int: 3"),
        (np.array("a"), "got a ndarray"),
    ],
)
def test_what_holds_no_posts_in_order_is_refused(posts: Any, instead: str) -> None:
    with pytest.raises(TypeError, match=instead):
        check_posts(posts, "pipe({})")


def test_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    assert place("~/x") == "/home/somebody/x"
    assert place(tmp_path) == str(tmp_path)
    assert place("user/name") == "user/name"
    with pytest.raises(ValueError, match="got an empty text"):
        place(" ")
    with pytest.raises(TypeError, match="got NoneType: None"):
        place(None)


def test_devices_and_dtypes() -> None:
    for device in ("cpu", torch.device("cpu")):
        check_device(device)
    for wrong in ("nonsense", "cuda:99", object()):
        with pytest.raises(ValueError, match=r"There is no device .* here\. Give one of cpu"):
            check_device(wrong)
    for dtype in ("auto", "float32", "torch.bfloat16", torch.float16):
        check_dtype(dtype)
    for wrong in ("nonsense", "int8", "Tensor", 3):
        with pytest.raises(ValueError, match='dtype must be "auto"'):
            check_dtype(wrong)
