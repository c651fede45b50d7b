"""The metrics as modules of the evaluate library: batches, files, and what they refuse."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from right_hf.metrics import (
    HashtagF1,
    HashtagRouge,
    micro_f1_at_k,
    rouge_of_post,
)

PREDICTIONS = [["cat", "dog", "cat", "bird"], ["sun"], []]
REFERENCES = [["dog", "cat", "fish"], ["rain", "sun"], ["snow"]]


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a metric opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_metrics_compute_without_network_and_files(no_sockets: None, cache: Path) -> None:
    f1 = HashtagF1().compute(predictions=PREDICTIONS, references=REFERENCES)
    assert {key: f1[key] for key in ("f1@1", "f1@5")} == pytest.approx({"f1@1": 4 / 9, "f1@5": 2 / 7})
    assert set(f1) == {f"{name}@{k}" for name in ("precision", "recall", "f1") for k in (1, 5)}
    rouge = HashtagRouge().compute(
        predictions=[["我爱", "北京"]], references=[["北京人"]], language="zh", definition="rouge_score"
    )
    assert rouge == pytest.approx({"rouge1": 4 / 7, "rouge2": 2 / 5, "rougeL": 4 / 7})
    assert not cache.exists()


def test_add_batch_and_add_gather_the_same_result(cache: Path) -> None:
    metric, other = HashtagF1(), HashtagF1()  # two at once do not meet
    metric.add_batch(predictions=PREDICTIONS[:2], references=REFERENCES[:2])
    other.add_batch(predictions=[["a"]], references=[["a"]])
    metric.add(prediction=PREDICTIONS[2], reference=REFERENCES[2])
    assert metric.compute(k=5)["f1@5"] == pytest.approx(2 / 7)
    assert other.compute(k=[1]) == {"precision@1": 1.0, "recall@1": 1.0, "f1@1": 1.0}
    # Nothing of the first computation is left in the second.
    assert metric.compute(predictions=[["a"]], references=[["b"]], k=1)["f1@1"] == 0.0


def test_metric_on_disk_removes_its_file(cache: Path) -> None:
    metric = HashtagF1(keep_in_memory=False)
    assert metric.compute(predictions=[["a"]], references=[["a"]], k=1)["f1@1"] == 1.0
    assert not list(cache.rglob("*.arrow"))


@pytest.mark.parametrize("metric", [HashtagF1, HashtagRouge])
def test_unequal_lengths_name_both_counts_and_the_remedy(metric: type[HashtagF1 | HashtagRouge], cache: Path) -> None:
    instance = metric()
    with pytest.raises(ValueError, match=r"2 predictions but 1 references.*empty list"):
        instance.compute(predictions=[["a"], ["b"]], references=[["a"]])
    # The refused posts are not counted later.
    posts_of_two = {"predictions": [["a", "b"]], "references": [["a", "b"]]}
    assert instance.compute(**posts_of_two) == metric().compute(**posts_of_two)


@pytest.mark.parametrize("keep_in_memory", [True, False])
def test_computing_without_posts_says_what_to_do(keep_in_memory: bool, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"no posts.*Add predictions and references"):
        HashtagF1(keep_in_memory=keep_in_memory).compute()


@pytest.mark.parametrize("bad", ["cat dog", None, [1], [["cat"]]])
def test_an_entry_that_is_no_list_of_strings_is_refused(bad: Any, cache: Path) -> None:
    with pytest.raises(TypeError, match=r"predictions\[1\].*expected a list of strings"):
        HashtagF1().compute(predictions=[["a"], bad], references=[["a"], ["b"]])


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ValueError, match="language = 'fr'; expected one of 'en', 'zh'"):
        rouge_of_post(["a"], ["a"], language="fr")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="definition = 'bleu'; expected one of 'rouge', 'rouge_score'"):
        rouge_of_post(["a"], ["a"], definition="bleu")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="k = 0"):
        micro_f1_at_k([["a"]], [["a"]], 0)
