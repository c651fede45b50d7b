"""The folders that `evaluate.load` takes by path: they give what the package's own metrics give, without a network."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import evaluate
import pytest
from huggingface_hub import SpaceCard

from right_hf.metrics import HashtagF1, HashtagRouge
from right_hf.metrics.hub import METRICS, metric_folder

PREDICTIONS, REFERENCES = [["wvd", "azure"], []], [["wvd", "citrix"], ["dev ops"]]


@pytest.fixture(autouse=True)
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """evaluate copies the script into a folder of modules: one of the test's own."""
    monkeypatch.setattr("evaluate.config.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("evaluate.loading.init_dynamic_modules", lambda: _dynamic_modules(tmp_path, monkeypatch))
    yield
    for name in [name for name in sys.modules if name.startswith("metric_modules_of_a_test")]:
        del sys.modules[name]


def _dynamic_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "modules" / "metric_modules_of_a_test"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder.parent))
    return str(folder)


@pytest.mark.parametrize(
    ("name", "own", "settings"),
    [
        ("hashtag_f1", HashtagF1, {"k": [1, 3]}),
        ("hashtag_f1", HashtagF1, {}),
        ("hashtag_rouge", HashtagRouge, {"language": "zh", "definition": "rouge_score"}),
    ],
)
def test_loaded_by_path(name: str, own: Any, settings: dict[str, Any]) -> None:
    loaded = evaluate.load(str(metric_folder(name)))
    assert loaded.module_type == "metric"
    expected = own().compute(predictions=PREDICTIONS, references=REFERENCES, **settings)
    assert loaded.compute(predictions=PREDICTIONS, references=REFERENCES, **settings) == expected


def test_without_the_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "right_hf", None)
    with pytest.raises(ImportError, match="pip install right_hf"):
        evaluate.load(str(Path(sys.modules["right_hf.metrics.hub"].__path__[0]) / "hashtag_f1"))


@pytest.mark.parametrize("name", METRICS)
def test_card_and_its_example(name: str) -> None:
    text = (metric_folder(name) / "README.md").read_text(encoding="utf-8")
    data = SpaceCard(text).data
    assert data.sdk == "static"
    assert {"evaluate", "metric"} <= set(data.tags)
    [code] = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    namespace: dict[str, Any] = {}
    exec(code.replace(f'"user/{name}"', repr(str(metric_folder(name)))), namespace)
    assert (metric_folder(name) / "requirements.txt").read_text(encoding="utf-8").startswith("right_hf")


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown metric 'bleu'\. Known: hashtag_f1, hashtag_rouge"):
        metric_folder("bleu")
