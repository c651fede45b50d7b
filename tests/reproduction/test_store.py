"""The store of an experiment: made once, kept, and what it cost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from reproduction.store import Store

from right_hf.provenance import device_name


def _busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_a_thing_is_made_once(tmp_path: Path) -> None:
    calls: list[Path] = []

    def make(path: Path) -> None:
        calls.append(path)
        path.write_text("here")

    store = Store(tmp_path)
    assert store.made("a/b", make).read_text() == "here"
    assert Store(tmp_path).made("a/b", make) == tmp_path / "a/b"
    assert len(calls) == 1
    assert [(entry["made"], entry["device"]) for entry in store.costs()] == [("a/b", device_name())]


def test_what_fails_is_not_counted_and_may_be_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def fail(path: Path) -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        store.made("thing", fail)
    assert store.costs() == []
    store.made("thing", lambda path: path.mkdir())
    assert store._inner == []


def test_core_seconds_are_those_of_the_thing_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def outer(path: Path) -> None:
        store.made("inner", lambda inner: (_busy(0.3), inner.mkdir())[1])
        path.mkdir()

    store.made("outer", outer)
    inner, whole = store.costs()
    assert (inner["made"], whole["made"]) == ("inner", "outer")
    assert whole["core_seconds"] < inner["core_seconds"] <= whole["seconds"] + 0.1


def test_a_store_in_a_store_has_its_own_costs_and_adds_them_to_the_outer_ones(tmp_path: Path) -> None:
    store, held_out = Store(tmp_path), Store(tmp_path / "held-out")

    def outer(path: Path) -> None:
        held_out.made("a/model", lambda inner: (_busy(0.3), inner.mkdir())[1])
        path.mkdir()

    store.made("pools", outer)
    assert [cost["made"] for cost in held_out.costs()] == ["a/model"]
    costs = {cost["made"]: cost["core_seconds"] for cost in store.costs()}
    assert costs.keys() == {"pools", "held-out/a/model"}
    assert costs["pools"] < 0.3 <= costs["held-out/a/model"]
