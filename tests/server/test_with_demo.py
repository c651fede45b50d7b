"""The demo under the root of the server, where both are installed."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from right_hf.server import ServerSettings, Service, create_app

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("protect_reading", [False, True])
def test_the_page_is_under_the_root_unless_reading_is_protected(service: Service, protect_reading: bool) -> None:
    pytest.importorskip("gradio", reason="needs the extra demo")
    settings = ServerSettings(token="a-token-for-tests", protect_reading=protect_reading)
    with TestClient(create_app(service, settings)) as client:
        page = client.get("/")
        assert page.status_code == (404 if protect_reading else 200)
        assert ("gradio" in page.text) is not protect_reading
        assert client.get("/health").json()["posts"] == 12
        assert client.post("/recommend", json={"posts": 3}).status_code == (401 if protect_reading else 422)
        assert client.put("/posts", json=[]).status_code == 401
    assert service.read_only is not None, "the server's own end came, too"
