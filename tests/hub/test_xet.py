"""Pushing and pulling through hf_xet, as the client does by default: content-addressed storage behind the Hub."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.utils import _xet as client

from right_hf import BM25Retriever, RightModel
from right_hf.hub.errors import explained
from tests.support.loopback_hub import LoopbackHub
from tests.test_hub_faults import assert_previous_works_and_nothing_half_loads, kill_during, newer

pytest.importorskip("hf_xet")
pytestmark = [pytest.mark.loopback, pytest.mark.slow]

POSTS = ["Windows desktop in the cloud", "sourdough bread"]
FOR_EVER = 1000
CHUNKS = "GET /xet/xorbs/"


@pytest.fixture
def hub(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """The Hub with large files in content-addressed storage, and a client that uses it and hardly waits."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    settings = {
        "HF_XET_CACHE": str(tmp_path / "xet"),
        "HF_XET_XORB_COMPRESSION_POLICY": "none",
        "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1",
        "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(client, "_GLOBAL_XET_HOLDER", client.XetSessionHolder())  # reads the settings
    return hub


@pytest.fixture
def first(hub: LoopbackHub, model: RightModel) -> str:
    """A commit that is on the Hub and in the cache; the branch has moved on to one that is not."""
    commit = model.push_to_hub("user/right").oid
    RightModel.from_pretrained("user/right")
    newer(model).push_to_hub("user/right")
    hub.requests.clear()
    return commit


def test_large_files_go_through_the_storage_both_ways(hub: LoopbackHub, model: RightModel) -> None:
    commit = model.push_to_hub("user/right").oid
    assert "POST /xet/v1/shards" in hub.requests and not [r for r in hub.requests if r.startswith("PUT /upload")]
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)
    assert {Path(name).suffix for name in hub.downloads()} == {".json"}
    assert [request for request in hub.requests if request.startswith(CHUNKS)]
    with hub.watched() as requests:
        assert RightModel.from_pretrained("user/right", revision=commit).recommend(POSTS) == model.recommend(POSTS)
        model.push_to_hub("user/right")
    assert not [request for request in requests if "/xorbs/" in request or "/commit/" in request]


def test_a_pull_request_through_the_storage(hub: LoopbackHub, model: RightModel) -> None:
    model.push_to_hub("user/right")
    newer(model).push_to_hub("user/right", create_pr=True, token="hf_stranger")
    assert RightModel.from_pretrained("user/right", revision="refs/pr/1").retriever.corpus.hashtags == ["newer"]


def test_a_damaged_file_that_repositories_share_is_fetched_anew(
    hub: LoopbackHub, model: RightModel, pauses: list[float]
) -> None:
    for name in ("user/one", "user/two"):
        model.retriever.push_to_hub(name)  # type: ignore[attr-defined]
    # The client shares no file where two downloads set up its store at the same moment: one file sets it up.
    hf_hub_download("user/one", "corpus.parquet")
    BM25Retriever.from_pretrained("user/one")
    [shared] = [path for path in (Path(constants.HF_HUB_CACHE) / "blobs").rglob("*") if _is_parquet(path)]
    shared.chmod(0o644)
    shared.write_bytes(b"PAR1" + bytes(shared.stat().st_size - 4))
    assert BM25Retriever.from_pretrained("user/two").search(POSTS) == model.retriever.search(POSTS)
    assert pauses == [1]
    assert BM25Retriever.from_pretrained("user/one").search(POSTS) == model.retriever.search(POSTS)


def _is_parquet(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize("fault", [{"cut_after": 50}, {"damage": True}])
def test_chunks_that_do_not_arrive_whole_are_asked_for_again(
    hub: LoopbackHub, model: RightModel, pauses: list[float], fault: dict[str, Any]
) -> None:
    model.retriever.push_to_hub("user/right")  # type: ignore[attr-defined]
    hub.fail(CHUNKS, times=3, **fault)
    assert BM25Retriever.from_pretrained("user/right").search(POSTS) == model.retriever.search(POSTS)


@pytest.mark.parametrize(
    ("request_", "fault", "message"),
    [
        ("/xet/v1/reconstructions", {"status": 500}, "The Hub failed with 500"),
        (CHUNKS, {"status": 503}, "The Hub failed with 503"),
        (CHUNKS, {"cut_after": 50}, "The connection to the Hub broke off"),
        ("xet-read-token", {"status": 500}, "The Hub failed with 500"),
        ("xet-read-token", {"status": 404}, r"storage behind the Hub answered 404.*HF_HUB_DISABLE_XET=1"),
        ("/xet/v1/reconstructions", {"status": 404}, r"storage behind the Hub answered 404.*HF_HUB_DISABLE_XET=1"),
    ],
)
def test_a_pull_that_the_storage_fails(
    hub: LoopbackHub, model: RightModel, pauses: list[float], request_: str, fault: dict[str, Any], message: str
) -> None:
    old: Any = model.retriever
    new: Any = newer(model).retriever
    old.push_to_hub("user/right")
    BM25Retriever.from_pretrained("user/right")
    newest = new.push_to_hub("user/right").oid
    hub.fail(request_, times=FOR_EVER, **fault)
    with pytest.raises(ConnectionError, match=message):
        BM25Retriever.from_pretrained("user/right", revision=newest)
    previous = BM25Retriever.from_pretrained("user/right", local_files_only=True)
    assert previous.search(POSTS) == model.retriever.search(POSTS)
    hub.recover()
    assert BM25Retriever.from_pretrained("user/right").corpus.hashtags == ["newer"]


@pytest.mark.parametrize(
    ("request_", "fault", "kind", "message"),
    [
        ("xet-write-token", {"status": 403}, PermissionError, "may not do that with user/right"),
        ("xet-write-token", {"status": 500}, ConnectionError, "The Hub failed with 500"),
        ("POST /xet/v1/xorbs", {"status": 500}, ConnectionError, "The Hub failed with 500"),
        ("POST /xet/v1/xorbs", {"cut_after": 0}, ConnectionError, "The connection to the Hub broke off"),
        ("POST /xet/v1/shards", {"status": 503}, ConnectionError, "The Hub failed with 503"),
    ],
)
def test_a_push_that_the_storage_fails_changes_nothing(
    hub: LoopbackHub,
    model: RightModel,
    pauses: list[float],
    request_: str,
    fault: dict[str, Any],
    kind: type[Exception],
    message: str,
) -> None:
    before = model.retriever.push_to_hub("user/right").oid  # type: ignore[attr-defined]
    changed: Any = newer(model).retriever
    hub.fail(request_, times=FOR_EVER, **fault)
    with pytest.raises(kind, match=message):
        changed.push_to_hub("user/right")
    assert hub.repo("user/right").refs["main"] == before
    hub.recover()
    changed.push_to_hub("user/right")
    assert BM25Retriever.from_pretrained("user/right").corpus.hashtags == ["newer"]


def test_a_hub_without_such_storage(hub: LoopbackHub, model: RightModel, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.has_xet = False
    with pytest.raises(ConnectionError, match=r"answered 404 for user/right.*HF_HUB_DISABLE_XET=1"):
        model.push_to_hub("user/right")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    model.push_to_hub("user/right")
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)


def test_a_full_disk_that_only_the_text_tells() -> None:
    with pytest.raises(OSError, match="no room left on the disk for user/right") as caught, explained("user/right"):
        raise RuntimeError("Task error: File reconstruction error: I/O error: No space left on device (os error 28)")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(RuntimeError, match=r"^Another error"), explained("user/right"):
        raise RuntimeError("Another error: HTTP status server error (500)")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_killed_while_chunks_arrive(hub: LoopbackHub, model: RightModel, first: str) -> None:
    hub.fail(CHUNKS, hold=True, times=FOR_EVER)
    kill_during(hub, CHUNKS, lambda: RightModel.from_pretrained("user/right"))
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    assert RightModel.from_pretrained("user/right").retriever.corpus.hashtags == ["newer"]
