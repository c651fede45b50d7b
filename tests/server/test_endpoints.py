"""Every endpoint, with a tiny model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from right_hf import BM25Retriever, Post
from right_hf.server import Service, schemas
from right_hf.server import service as services
from right_hf.spelling.platforms import PLATFORMS
from right_hf.spelling.style import STYLES

TEXT = "Warm seas and the coral reef"
NEW = {"id": "n1", "text": "Glaciers and warm seas", "hashtags": ["#GlacierMelt"]}


def test_one_post_gives_a_list_and_several_a_list_of_lists(client: TestClient, service: Service) -> None:
    wishes: dict[str, Any] = {
        "top_k": 2,
        "style": "pascal",
        "platform": "mastodon",
        "blocked": ["#coral"],
        "threshold": 0,
    }
    expected = [asdict(one) for one in service.model.recommend([TEXT], **wishes)[0]]
    assert expected
    assert client.post("/recommend", json={"posts": TEXT, **wishes}).json() == expected
    assert client.post("/recommend", json={"posts": [TEXT, {"text": TEXT, "id": 3}], **wishes}).json() == [expected] * 2
    lists: dict[str, Any] = {"allowed": ["#DevOps", "Coral"], "preferred": ["coral"], "min_count": 0, "diversity": 0.3}
    found = client.post("/recommend", json={"posts": [TEXT], "include_present": True, "now": "2020-01-01", **lists})
    assert [one["hashtag"] for one in found.json()[0]] == ["Coral"]


def test_lines_come_in_order(client: TestClient) -> None:
    posts = [f"{TEXT} {number}" for number in range(50)]
    whole = client.post("/recommend", json={"posts": posts}).json()
    with client.stream(
        "POST", "/recommend", json={"posts": posts}, headers={"Accept": "application/x-ndjson"}
    ) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(line) for line in answer.iter_lines()] == whole


def test_requests_that_come_together_are_one_batch(
    serving: Callable[..., TestClient], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    recommend, may_go = service.recommend, threading.Event()

    def counted(posts: list[str], **wishes: Any) -> Any:
        batches.append(len(posts))
        may_go.wait(10)
        return recommend(posts, **wishes)

    monkeypatch.setattr(service, "recommend", counted)
    client = serving(batch_size=8)
    with ThreadPoolExecutor(9) as threads:
        answers = [threads.submit(client.post, "/recommend", json={"posts": TEXT})]
        while not batches:
            time.sleep(0.01)
        answers += [threads.submit(client.post, "/recommend", json={"posts": TEXT}) for _ in range(8)]
        while client.app.state.endpoints.batches.waiting < 8:  # type: ignore[attr-defined]
            time.sleep(0.01)
        may_go.set()
        first, *rest = [answer.result().json() for answer in answers]
    assert first and all(answer == first for answer in rest)
    assert batches == [1, 8]


def test_completion_and_trends_follow_the_corpus(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_RANKED_FOR", 0.0)
    assert client.get("/complete", params={"prefix": "#Clima"}).json() == {
        "hashtags": [{"hashtag": "ClimateChange", "posted": "#ClimateChange", "count": 3}]
    }
    assert client.get("/complete", params={"prefix": "c", "limit": 1, "style": "words"}).json()["hashtags"] == [
        {"hashtag": "climate change", "posted": "#ClimateChange", "count": 3}
    ]
    assert client.get("/trending").json() == {"rising": [], "popular": []}
    now = datetime.now(timezone.utc).isoformat()
    new = [NEW | {"id": f"n{number}", "author": str(number), "created_at": now} for number in range(3)]
    assert client.post("/posts", json=new).json() == {"changed": 3, "posts": 15}
    assert client.get("/complete", params={"prefix": "glacier"}).json()["hashtags"][0]["count"] == 3
    popular = client.get("/trending").json()["popular"]
    assert [one["posted"] for one in popular] == ["#GlacierMelt"] and popular[0]["score"] == pytest.approx(3)
    assert client.delete("/posts/n0").json() == {"changed": 1, "posts": 14}
    assert client.get("/complete", params={"prefix": "glacier"}).json()["hashtags"][0]["count"] == 2


def test_an_address_tells_its_methods(client: TestClient) -> None:
    assert client.options("/posts").headers["allow"] == "POST, PUT"


def test_what_nobody_should_see_is_not_completed(client: TestClient) -> None:
    client.post("/posts", json=NEW | {"hashtags": ["fuck", "fucsia"]})
    assert [one["hashtag"] for one in client.get("/complete?prefix=fuc").json()["hashtags"]] == ["Fucsia"]


def test_posts_come_change_and_go_and_are_on_disk(client: TestClient, service: Service, index: Path) -> None:
    answer = client.post("/posts", json=NEW)
    assert (answer.status_code, answer.json()) == (201, {"changed": 1, "posts": 13})
    assert "#GlacierMelt" in [one["posted"] for one in client.post("/recommend", json={"posts": NEW["text"]}).json()]
    assert BM25Retriever.from_pretrained(index).corpus.get("n1").hashtags == ("glacier melt",)  # type: ignore[union-attr]
    assert client.put("/posts", json=[NEW | {"hashtags": ["ice"]}]).json() == {"changed": 1, "posts": 13}
    assert "#Ice" in [one["posted"] for one in client.post("/recommend", json={"posts": NEW["text"]}).json()]
    assert client.delete("/posts/n1").json() == {"changed": 1, "posts": 12}
    assert BM25Retriever.from_pretrained(index).corpus.get("n1") is None


@pytest.mark.parametrize("post_id", ["a/b", "/", "ü ß", "a\nb", "a?b#c", "", "\u2028", "a+b"])
def test_an_id_may_be_anything(client: TestClient, service: Service, post_id: str) -> None:
    assert client.post("/posts", json=NEW | {"id": post_id}).status_code == 201
    answer = client.delete(f"/posts/{quote(post_id, safe='')}")
    assert answer.json() == {"changed": 1, "posts": 12}, post_id


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("POST", "/posts", NEW | {"id": "e01"}, 409, "already holds the post 'e01'. Nothing was added; replace"),
        ("POST", "/posts", [NEW, NEW], 422, "The id 'n1' occurs twice"),
        ("POST", "/posts", NEW | {"created_at": "yesterday"}, 422, "created_at must be a time such as"),
        ("POST", "/posts", NEW | {"author": 3}, 422, r"author: Input should be a valid string, got 3"),
        ("POST", "/posts", NEW | {"tags": []}, 422, "tags: Extra inputs are not permitted"),
        ("POST", "/posts", [], 422, "should have at least 1 item"),
        ("PUT", "/posts", NEW, 404, "does not hold the post 'n1'. Nothing was changed; add posts with POST"),
        ("DELETE", "/posts/n1", None, 404, "does not hold the post 'n1'"),
        ("POST", "/recommend", {}, 422, r"body.posts: Field required"),
        ("POST", "/recommend", {"posts": []}, 422, "should have at least 1 item"),
        ("POST", "/recommend", {"posts": TEXT, "top_k": 0}, 422, "body.top_k: Input should be greater than or equal"),
        ("POST", "/recommend", {"posts": TEXT, "top_k": "3"}, 422, "body.top_k: Input should be a valid integer"),
        ("POST", "/recommend", {"posts": TEXT, "style": "loud"}, 422, "body.style: Input should be 'common'"),
        ("POST", "/recommend", {"posts": TEXT, "safety": "/etc/passwd"}, 422, "body.safety: Extra inputs"),
        ("POST", "/recommend", {"posts": TEXT, "allowed": ["!"]}, 422, "1 of 1 hashtags have no letter and no digit"),
        ("POST", "/recommend", {"posts": TEXT, "allowed": []}, 422, "body.allowed: Tuple should have at least 1 item"),
        ("POST", "/recommend", {"posts": TEXT, "now": "soon"}, 422, "soon"),
        ("GET", "/complete?limit=0", None, 422, "query.limit: Input should be greater than or equal to 1"),
        ("GET", "/complete?style=loud", None, 422, "query.style: Input should be"),
        ("POST", "/posts", [NEW, {"id": "x"}], 422, "body.list[PostRecord].1.text: Field required"),
        ("GET", "/nowhere", None, 404, "There is nothing here. See /docs"),
        ("GET", "/../../etc/passwd", None, 404, "There is nothing here. See /docs"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", None, 404, "There is nothing here. See /docs"),
        ("GET", "/recommend", None, 405, "This method is not for this address"),
        ("GET", "/posts/e01", None, 405, "This method is not for this address"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(client: TestClient, method: str, path: str, body: Any, status: int, detail: str) -> None:
    answer = client.request(method, path, **({} if body is None else {"json": body}))
    assert (answer.status_code, set(answer.json())) == (status, {"detail"}), answer.text
    assert detail in answer.json()["detail"]
    assert client.get("/health").json()["posts"] == 12


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b'{"posts": NaN}', b'{"\\ud800": 1}', b"[" * 100_000,
     b'{"posts": "a", "top_k": ' + b"9" * 5_000 + b"}", b'{"posts": "a", "threshold": NaN}'],
)  # fmt: skip
def test_what_is_no_json_is_said(client: TestClient, content: bytes) -> None:
    answer = client.post("/recommend", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and answer.json()["detail"]


def test_a_whole_post_is_not_echoed(client: TestClient) -> None:
    answer = client.post("/recommend", json={"posts": TEXT, "style": "a secret " * 100})
    assert answer.status_code == 422 and "secret" not in answer.text


def test_a_failure_is_json_and_tells_the_log_no_post(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(posts: list[str], **wishes: Any) -> Any:
        raise RuntimeError(f"cannot read {posts}")

    monkeypatch.setattr(service, "recommend", fail)
    answer = client.post("/recommend", json={"posts": TEXT})
    assert answer.status_code == 500 and "its log says where" in answer.json()["detail"]
    assert "RuntimeError" in caplog.text and "routes.py" in caplog.text and TEXT not in caplog.text
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize("log_posts", [False, True])
def test_posts_are_logged_only_if_asked(
    serving: Callable[..., TestClient], caplog: pytest.LogCaptureFixture, log_posts: bool
) -> None:
    caplog.set_level("INFO", "right_hf")
    client = serving(log_posts=log_posts)
    client.post("/recommend", json={"posts": "a private matter"})
    client.get("/complete", params={"prefix": "private"})
    client.post("/posts", json=NEW | {"text": "a private matter"})
    assert "POST /recommend: 200" in caplog.text and "GET /complete: 200" in caplog.text
    assert caplog.text.count("private") == (3 if log_posts else 0)
    assert client.headers["authorization"].split()[1] not in caplog.text


def test_health_and_metrics(client: TestClient) -> None:
    assert client.get("/health").json() == {
        "ready": True, "version": "0.1.0", "posts": 12, "writable": True, "reason": None
    }  # fmt: skip
    client.post("/recommend", json={"posts": [TEXT] * 3})
    client.request("BREW", "/coffee/with/milk")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    for line in (
        'right_hf_requests_total{endpoint="/recommend",method="POST",status="200"} 1.0',
        'right_hf_requests_total{endpoint="other",method="any",status="404"} 1.0',
        "right_hf_batch_posts_sum 3.0",
        "right_hf_posts 12.0",
        "right_hf_waiting 0.0",
    ):
        assert line in answer.text
    assert "milk" not in answer.text and "BREW" not in answer.text


def test_styles_and_platforms_are_those_of_the_package() -> None:
    assert set(get_args(schemas.Style)) == set(STYLES)
    assert set(get_args(schemas.Platform)) == set(PLATFORMS)


def test_it_describes_itself(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/recommend", "/complete", "/trending", "/posts", "/posts/{post_id}", "/health", "/metrics"
    }  # fmt: skip
    assert described["components"]["schemas"]["RecommendRequest"]["examples"]


def test_a_server_that_stops_refuses(client: TestClient) -> None:
    client.app.state.endpoints.stop()  # type: ignore[attr-defined]
    for answer in (client.post("/recommend", json={"posts": TEXT}), client.post("/posts", json=NEW)):
        assert answer.status_code == 503 and answer.headers["retry-after"]
        assert "about to stop" in answer.json()["detail"]
    assert client.get("/health").status_code == 503 and client.get("/health").json()["ready"] is False


def test_a_corpus_that_cannot_change_is_served(dense_retriever: Any, service: Service) -> None:
    service.model.retriever = dense_retriever
    assert Service(service.model).complete("climate")[0].count == 3


def test_the_second_to_open_an_index_only_reads(service: Service, index: Path) -> None:
    second = Service.open(service.model.__class__.from_pretrained(_saved(service, index)), index)
    assert second.read_only is not None and "open for changes elsewhere" in second.read_only
    assert second.complete("climate")[0].count == 3


def _saved(service: Service, index: Path) -> Path:
    folder = index.with_name("checkpoint")
    service.model.save_pretrained(folder)
    return folder


def test_a_full_disk_is_said_and_overcome(
    client: TestClient, service: Service, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        for _ in range(2):
            answer = client.post("/posts", json=NEW)
            assert answer.status_code == 507 and "No space left on device" in answer.json()["detail"]
        assert client.post("/recommend", json={"posts": TEXT}).status_code == 200
    assert client.post("/posts", json=NEW).status_code == 201
    service.close()
    assert BM25Retriever.from_pretrained(index).corpus.get("n1") == Post(
        "n1", "Glaciers and warm seas", ("glacier melt",), spellings=("GlacierMelt",)
    )
