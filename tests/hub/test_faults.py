"""Faults of the Hub, the line, the disk and the process: a clear error or success, and never half a checkpoint."""

from __future__ import annotations

import errno
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, file_download

from right_hf import BM25Retriever, RightModel
from tests.support.loopback_hub import LoopbackHub
from tests.support.loopback_hub.checks import (
    FOR_EVER,
    POSTS,
    PULL,
    PUSH,
    assert_newer_loads,
    assert_previous_works_and_nothing_half_loads,
    kill_during,
    newer,
    started,
)

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

INFO = r"GET /api/models/user/right(/revision/main)?$"
COMMIT = "POST /api/models/user/right/commit"
PARQUET = r"GET /user/right/resolve/.*corpus\.parquet"
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed and limited otherwise there")


def push_retriever(model: RightModel) -> None:
    model.retriever.push_to_hub("user/right")


@pytest.fixture
def first(hub: LoopbackHub, model: RightModel) -> str:
    """A commit that is on the Hub and in the cache; the branch has moved on to one that is not."""
    commit = model.push_to_hub("user/right").oid
    RightModel.from_pretrained("user/right")
    hub.repo("user/right").put("generator/generation_config.json", b'{"num_beams": 1}')
    hub.repo("user/right").put("retriever/vocabulary.json", b'["a"]')
    newer(model).push_to_hub("user/right")
    hub.requests.clear()
    return commit


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        *((INFO, status) for status in (408, 429, 500, 502, 503, 504)),
        ("/tree/", 500),
        ("HEAD /user/right/resolve/.*vocabulary", 500),
        (PARQUET, 500),
        (PARQUET, 429),
    ],
)
def test_a_passing_failure_is_tried_again(
    hub: LoopbackHub, model: RightModel, pauses: list[float], request_: str, status: int
) -> None:
    push_retriever(model)
    fault = hub.fail(request_, status=status)
    assert BM25Retriever.from_pretrained("user/right").search(POSTS) == model.retriever.search(POSTS)
    assert fault.times == 0, "the fault was never met"
    assert len(pauses) <= 1


def test_the_wait_that_the_hub_asks_for_is_kept(hub: LoopbackHub, model: RightModel, pauses: list[float]) -> None:
    push_retriever(model)
    hub.fail(INFO, status=429, headers={"Retry-After": "7"})
    hub.fail(PARQUET, status=429, headers={"Retry-After": "17"})
    BM25Retriever.from_pretrained("user/right")
    assert pauses[0] == 7 and 17 <= pauses[1] <= 18
    hub.fail(INFO, status=429, headers={"Retry-After": "3600"}, times=FOR_EVER)
    with pytest.raises(ConnectionError, match=r"refuses further requests about user/right.*in 3600 s"):
        BM25Retriever.from_pretrained("user/right", force_download=True)
    assert len(pauses) == 2, "nobody waits for an hour"


def test_a_failing_hub_ends_in_an_error_or_the_cache(
    hub: LoopbackHub, model: RightModel, first: str, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    hub.fail(".*", status=500, times=FOR_EVER)
    with caplog.at_level(logging.WARNING, "right_hf"):
        loaded = RightModel.from_pretrained("user/right")
    assert loaded.recommend(POSTS) == model.recommend(POSTS)
    assert "user/right is taken from the cache" in caplog.text
    with pytest.raises(
        ConnectionError, match=r"The Hub failed with 500, again and again, at user/other. Try again later"
    ):
        RightModel.from_pretrained("user/other")
    assert_previous_works_and_nothing_half_loads(hub, model, first)


def test_a_file_that_fails_for_ever(hub: LoopbackHub, model: RightModel, first: str, pauses: list[float]) -> None:
    hub.fail(PARQUET, status=500, times=FOR_EVER)
    with pytest.raises(ConnectionError, match="The Hub failed with 500"):
        RightModel.from_pretrained("user/right")
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    hub.recover()
    assert_newer_loads()


def test_a_connection_cut_in_mid_file(hub: LoopbackHub, model: RightModel, pauses: list[float]) -> None:
    push_retriever(model)
    size = len(hub.repo("user/right").at().files["corpus.parquet"].content)
    hub.fail(PARQUET, cut_after=size // 2)
    assert BM25Retriever.from_pretrained("user/right").search(POSTS) == model.retriever.search(POSTS)
    assert len(pauses) == 1


def test_a_connection_that_is_cut_for_ever(
    hub: LoopbackHub, model: RightModel, first: str, pauses: list[float]
) -> None:
    hub.fail(PARQUET, cut_after=0, times=FOR_EVER)
    with pytest.raises(ConnectionError, match=r"Fetching user/right failed, 4 times: .*Try again later"):
        RightModel.from_pretrained("user/right")
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    hub.recover()
    assert_newer_loads()


@pytest.mark.parametrize("file", ["corpus.parquet", "vocabulary.json"])
def test_a_wrong_hash(hub: LoopbackHub, model: RightModel, pauses: list[float], file: str) -> None:
    push_retriever(model)
    request = f"GET /user/right/resolve/.*{file}"
    hub.fail(request, damage=True)
    assert BM25Retriever.from_pretrained("user/right").search(POSTS) == model.retriever.search(POSTS)
    assert len(pauses) == 1
    hub.fail(request, damage=True, times=FOR_EVER)
    with pytest.raises(ValueError, match=rf"{file} arrived damaged: its hash is .*the Hub names .*not loaded"):
        BM25Retriever.from_pretrained("user/right", force_download=True)


def test_a_damaged_file_does_not_stay_in_the_cache(
    hub: LoopbackHub, model: RightModel, first: str, pauses: list[float]
) -> None:
    hub.fail(PARQUET, damage=True, times=FOR_EVER)
    with pytest.raises(ValueError, match="arrived damaged"):
        RightModel.from_pretrained("user/right")
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    hub.recover()
    assert_newer_loads()


def test_a_full_disk(
    hub: LoopbackHub, model: RightModel, first: str, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        with pytest.raises(OSError, match=r"no room left on the disk for user/right.*cache_dir") as caught:
            RightModel.from_pretrained("user/right")
        assert caught.value.errno == errno.ENOSPC
        patch.setattr(model.generator, "save_into", full)
        with pytest.raises(OSError, match=r"no room left on the disk.*TMPDIR"):
            model.push_to_hub("user/right")
    assert pauses == []
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    assert_newer_loads()


def test_a_hub_that_never_answers_is_not_waited_for(
    hub: LoopbackHub, model: RightModel, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    hub.fail(".*", hold=True, times=FOR_EVER)
    assert RightModel.from_pretrained("user/right").recommend(POSTS) == model.recommend(POSTS)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ("POST /api/repos/create", {"status": 500}),
        ("POST .*/preupload", {"status": 503}),
        ("POST .*/lfs/objects/batch", {"status": 500}),
        ("PUT /upload", {"status": 500}),
        ("PUT /upload", {"cut_after": 0}),
        (COMMIT, {"status": 500}),
        (COMMIT, {"status": 429, "headers": {"Retry-After": "3"}}),
        (COMMIT, {"status": 412}),
        (COMMIT, {"cut_after": 0}),
        (COMMIT, {"cut_after_doing": True}),
    ],
)
def test_a_push_is_tried_again_and_done_once(
    hub: LoopbackHub, model: RightModel, pauses: list[float], request_: str, fault: dict[str, Any]
) -> None:
    injected = hub.fail(request_, **fault)
    commit = model.retriever.push_to_hub("user/right", commit_message="Once")
    assert injected.times == 0 and pauses
    assert hub.repo("user/right").history() == ["Once"]
    assert commit.oid == hub.repo("user/right").refs["main"]


def test_a_push_that_fails_changes_nothing(
    hub: LoopbackHub, model: RightModel, first: str, pauses: list[float]
) -> None:
    before = dict(hub.repo("user/right").refs)
    hub.fail(COMMIT, status=500, times=FOR_EVER)
    with pytest.raises(ConnectionError, match=r"The Hub failed with 500, again and again, at user/right"):
        model.push_to_hub("user/right")
    assert hub.repo("user/right").refs == before
    hub.recover()
    hub.fail("PUT /upload", cut_after=0, times=FOR_EVER)
    hub.blobs.clear()
    with pytest.raises(ConnectionError, match="Pushing to user/right failed, 4 times"):
        model.push_to_hub("user/right")
    assert hub.repo("user/right").refs == before


def test_a_pull_request_is_never_opened_twice(hub: LoopbackHub, model: RightModel, pauses: list[float]) -> None:
    model.push_to_hub("user/right")
    hub.fail(COMMIT, cut_after_doing=True)
    with pytest.raises(ConnectionError, match="Pushing to user/right failed, or its answer got lost"):
        newer(model).push_to_hub("user/right", create_pr=True)
    assert [ref for ref in hub.repo("user/right").refs if ref.startswith("refs/pr/")] == ["refs/pr/1"]
    hub.fail(COMMIT, status=503)
    assert newer(model).push_to_hub("user/right", create_pr=True).pr_num == 2


@on_posix
def test_a_process_killed_in_mid_pull(hub: LoopbackHub, model: RightModel, first: str) -> None:
    kill_during(hub, hub.fail(PARQUET, cut_after=100, hold=True), PULL)
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    assert_newer_loads()


@on_posix
@pytest.mark.parametrize("moment", ["PUT /upload", COMMIT])
def test_a_process_killed_in_mid_push(
    hub: LoopbackHub, model: RightModel, first: str, moment: str, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path / "saved")
    hub.blobs.clear()
    before = dict(hub.repo("user/right").refs)
    kill_during(hub, hub.fail(moment, hold=True), PUSH, str(tmp_path / "saved"))
    assert hub.repo("user/right").refs == before
    assert_newer_loads()
    commit = model.push_to_hub("user/right").oid
    assert RightModel.from_pretrained("user/right", revision=commit).recommend(POSTS) == model.recommend(POSTS)


@on_posix
def test_a_file_that_the_disk_does_not_take(hub: LoopbackHub, model: RightModel, first: str) -> None:
    """The system itself refuses to write on: here by the limit of a process, as a quota or a full disk would."""
    script = """
        import resource
        import signal

        from right_hf import RightModel

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            RightModel.from_pretrained("user/right")
        except OSError as error:
            print(error)
    """
    with started(hub, script) as child:
        said, errors = child.communicate()
    assert child.returncode == 0, errors
    assert "no room left on the disk for user/right" in said
    assert_previous_works_and_nothing_half_loads(hub, model, first)
    assert_newer_loads()
