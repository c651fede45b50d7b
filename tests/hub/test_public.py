"""What is pushed beside checkpoints, loaded back from the Hub by the libraries that others load it with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import datasets
import evaluate
import pytest
from datasets.utils._dataset_viewer import DatasetViewerError
from huggingface_hub import constants

from right_hf import Post
from right_hf.data import DatasetOptions, load_splits
from right_hf.hub.publish import push_dataset, push_metric
from right_hf.metrics import HashtagF1
from tests.support.loopback_hub import LoopbackHub

pytestmark = pytest.mark.loopback

PREDICTIONS, REFERENCES = [["wvd", "azure"], []], [["wvd", "citrix"], ["dev ops"]]
POSTS = [
    Post("1", "a boat", ("boats", "sea"), "2020-01-01T00:00:00Z", "MIT"),
    Post("2", "海", ("春天",), license="MIT"),
]


@pytest.fixture(autouse=True)
def libraries(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """evaluate and datasets, which read the Hub's address when they are imported, with caches of their own."""
    monkeypatch.setattr("evaluate.config.HF_ENDPOINT", hub.endpoint)
    address = hub.endpoint + "/spaces/{path}/resolve/{revision}/{name}"
    monkeypatch.setattr("evaluate.config.HUB_EVALUATE_URL", address)
    for name in ("HF_EVALUATE_CACHE", "HF_MODULES_CACHE", "DOWNLOADED_EVALUATE_PATH", "EXTRACTED_EVALUATE_PATH"):
        monkeypatch.setattr(f"evaluate.config.{name}", str(tmp_path / name))
    monkeypatch.setattr("evaluate.loading.init_dynamic_modules", lambda: _dynamic_modules(tmp_path, monkeypatch))
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", hub.endpoint)
    monkeypatch.setattr(
        "datasets.config.HUB_DATASETS_URL", hub.endpoint + "/datasets/{repo_id}/resolve/{revision}/{path}"
    )
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "datasets")
    for library in ("evaluate", "datasets"):  # which count downloads at an address of their own
        monkeypatch.setattr(f"{library}.config.HF_UPDATE_DOWNLOAD_COUNTS", False)
    monkeypatch.setattr("datasets.utils._dataset_viewer.get_exported_dataset_infos", _no_viewer)
    yield
    for name in [name for name in sys.modules if name.startswith("metric_modules_of_the_hub")]:
        del sys.modules[name]


def _no_viewer(*_: object, **__: object) -> None:
    """The viewer is another server, and not every data set has one."""
    raise DatasetViewerError("there is no viewer")


def _dynamic_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "modules" / "metric_modules_of_the_hub"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(folder.parent))
    return str(folder)


def test_a_pushed_metric_loads_by_its_name(hub: LoopbackHub) -> None:
    push_metric("hashtag_f1", "user/hashtag_f1")
    hub.requests.clear()
    loaded = evaluate.load("user/hashtag_f1", module_type="metric")
    assert [request for request in hub.requests if request.endswith("hashtag_f1.py")]
    assert type(loaded).__module__.startswith("metric_modules_of_the_hub")
    expected = HashtagF1().compute(predictions=PREDICTIONS, references=REFERENCES)
    assert loaded.compute(predictions=PREDICTIONS, references=REFERENCES) == expected


def test_a_pushed_data_set_loads_by_its_name(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    push_dataset({"train": POSTS, "test": POSTS[:1]}, "user/posts", private=True)
    loaded = datasets.load_dataset("user/posts", split="train")
    assert loaded["hashtags"][:] == [["boats", "sea"], ["春天"]]
    assert loaded["license"][:] == ["MIT", "MIT"]
    assert load_splits("user/posts") == {"train": POSTS, "test": POSTS[:1]}
    first = hub.repo("user/posts", "dataset").refs["main"]
    push_dataset({"train": POSTS[1:]}, "user/posts")
    assert load_splits("user/posts", options=DatasetOptions(revision=first))["train"] == POSTS
    assert load_splits("user/posts") == {"train": POSTS[1:]}, "the split that is gone stayed"
    for cache in ("cache", "new"):  # what somebody else fetched is no way in
        with (
            monkeypatch.context() as patch,
            pytest.raises(FileNotFoundError, match=r"No data set at 'user/posts'.*and its token"),
        ):
            patch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / cache))
            load_splits("user/posts", options=DatasetOptions(token="hf_stranger", cache_dir=tmp_path / "other"))
