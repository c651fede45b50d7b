from __future__ import annotations

import sys

import pytest

from right_hf.provenance import provenance


def test_provenance_names_what_to_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["training/x.py", "--data", "/home/someone/data/tweets", "--output", "runs/a"])
    origin = provenance({"hits": 10}, seed=3)
    assert origin["command"] == "training/x.py --data tweets --output runs/a"
    assert (origin["config"], origin["seed"]) == ({"hits": 10}, 3)
    assert {"torch", "transformers", "bm25s"} <= set(origin["versions"])
    assert "/home" not in str(origin)
