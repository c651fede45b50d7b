"""Pushing and pulling through hf_xet, as the client does by default: content-addressed storage behind the Hub."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.utils import _xet as client

from right_hf import BM25Retriever, RightModel
from right_hf.hub.errors import TransferError, explained, persistently
from tests.support.loopback_hub import LoopbackHub
from tests.support.loopback_hub.checks import (
    FOR_EVER,
    POSTS,
    PULL,
    assert_newer_loads,
    assert_previous_works_and_nothing_half_loads,
    kill_during,
    newer,
)

pytest.importorskip("hf_xet")
pytestmark = [pytest.mark.loopback, pytest.mark.slow]

CHUNKS = "GET /xet/xorbs/"
FETCHING = "Fetching user/right failed, 4 times:"


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
    assert {Path(name).suffix for name in hub.downloads()} == {".json", ".tsv"}
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
        model.retriever.push_to_hub(name)
    # The client shares no file where two downloads set up its store at the same moment: one file sets it up.
    hf_hub_download("user/one", "corpus.parquet")
    BM25Retriever.from_pretrained("user/one")
    [shared] = [path for path in (Path(constants.HF_HUB_CACHE) / "blobs").rglob("*") if _is_parquet(path)]
    shared.chmod(0o644)
    shared.write_bytes(b"PAR1" + bytes(shared.stat().st_size - 4))
    assert BM25Retriever.from_pretrained("user/two").search(POSTS) == model.retriever.search(POSTS)
    assert len(pauses) == 1
    assert BM25Retriever.from_pretrained("user/one").search(POSTS) == model.retriever.search(POSTS)


def _is_parquet(path: Path) -> bool:
    return path.is_file() and path.read_bytes()[:4] == b"PAR1"


@pytest.mark.parametrize("fault", [{"cut_after": 50}, {"damage": True}])
def test_chunks_that_do_not_arrive_whole_are_asked_for_again(
    hub: LoopbackHub, model: RightModel, pauses: list[float], fault: dict[str, Any]
) -> None:
    model.retriever.push_to_hub("user/right")
    hub.fail(CHUNKS, times=3, **fault)
    assert BM25Retriever.from_pretrained("user/right").search(POSTS) == model.retriever.search(POSTS)


@pytest.mark.parametrize(
    ("request_", "fault", "message"),
    [
        ("/xet/v1/reconstructions", {"status": 500}, f"{FETCHING} .*500.*HF_HUB_DISABLE_XET=1"),
        (CHUNKS, {"status": 503}, f"{FETCHING} .*503"),
        (CHUNKS, {"cut_after": 50}, FETCHING),
        ("xet-read-token", {"status": 500}, "The Hub failed with 500"),
        ("xet-read-token", {"status": 404}, r"storage behind the Hub answered 404.*HF_HUB_DISABLE_XET=1"),
        ("/xet/v1/reconstructions", {"status": 404}, f"{FETCHING} .*404.*HF_HUB_DISABLE_XET=1"),
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
    ("request_", "fault", "told"),
    [
        ("xet-write-token", {"status": 403}, "403"),
        ("xet-write-token", {"status": 500}, "500"),
        ("POST /xet/v1/xorbs", {"status": 500}, "500"),
        ("POST /xet/v1/xorbs", {"cut_after": 0}, ""),
        ("POST /xet/v1/shards", {"status": 503}, "503"),
    ],
)
def test_a_push_that_the_storage_fails_changes_nothing(
    hub: LoopbackHub, model: RightModel, pauses: list[float], request_: str, fault: dict[str, Any], told: str
) -> None:
    before = model.retriever.push_to_hub("user/right").oid
    changed: Any = newer(model).retriever
    hub.fail(request_, times=FOR_EVER, **fault)
    with pytest.raises(ConnectionError, match=f"Pushing to user/right failed, 4 times: .*{told}"):
        changed.push_to_hub("user/right")
    assert hub.repo("user/right").refs["main"] == before
    hub.recover()
    changed.push_to_hub("user/right")
    assert BM25Retriever.from_pretrained("user/right").corpus.hashtags == ["newer"]


def test_a_hub_without_such_storage(
    hub: LoopbackHub, model: RightModel, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.has_xet = False
    with pytest.raises(ConnectionError, match=r"Pushing to user/right failed.*404.*HF_HUB_DISABLE_XET=1"):
        model.push_to_hub("user/right")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    model.push_to_hub("user/right")
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)


def test_what_only_a_text_tells_is_passed_on(pauses: list[float]) -> None:
    """hf_xet says everything in a plain RuntimeError: it is no answer of the Hub, so it is tried again, then told."""

    def transfer() -> None:
        raise RuntimeError("Task error: I/O error: No space left on device (os error 28)")

    with pytest.raises(TransferError, match=r"Fetching a failed, 4 times: Task error.*No space left.*DISABLE_XET=1"):
        persistently(transfer, "Fetching a")
    assert len(pauses) == 3
    with pytest.raises(RuntimeError, match="of no transfer"), explained("user/right"):
        raise RuntimeError("of no transfer")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_killed_while_chunks_arrive(hub: LoopbackHub, model: RightModel, first: str) -> None:
    kill_during(hub, hub.fail(CHUNKS, hold=True, times=FOR_EVER), PULL)
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    assert_newer_loads()
