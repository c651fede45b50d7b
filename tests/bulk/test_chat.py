"""Posts annotated with a chat model behind a server: many requests at once, and none asked again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from right_hf import RightModel
from right_hf.generator import ChatGenerator, HubChatClient
from tests.support.chat_server import Fault, chat_server
from tests.support.command_line import fail, run

pytestmark = pytest.mark.loopback


def test_a_bulk_run_asks_many_at_once_and_nothing_twice(
    capsys: pytest.CaptureFixture[str], model: RightModel, tmp_path: Path
) -> None:
    lines = [json.dumps({"id": number, "text": f"Post {number} about the cloud"}) for number in range(96)]
    (tmp_path / "posts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with chat_server() as server:
        client = HubChatClient("tiny/chat", base_url=server.base_url)
        checkpoint = str(tmp_path / "right")
        RightModel(model.config, model.retriever, model.selector, ChatGenerator(client)).save_pretrained(checkpoint)
        command = ["annotate", "--input", str(tmp_path / "posts.jsonl"), "--model", checkpoint, "--batch-size", "48"]
        command += ["--send-posts-to", client.server, "--answers", str(tmp_path / "answers.sqlite")]
        command += ["--piece-rows", "48", "--concurrency", "24"]
        server.pause = 0.05
        broken = [None] * 60 + [Fault("status", 400)] * 3
        server.faults = list(broken)
        assert "400" in fail(capsys, *command, "--output", str(tmp_path / "out"))
        assert server.most_under_way == 24
        server.faults = []
        kept, asked = len(set(server.answered)), len(server.requests)
        [done] = run(capsys, *command, "--output", str(tmp_path / "out"))
        assert (done["posts"], len(server.requests) - asked) == (96, 96 - kept)
        [other] = run(capsys, *command, "--output", str(tmp_path / "again"))
        assert len(server.requests) - asked == 96 - kept
        assert other["posts"] == 96
    rows = [json.loads(line) for path in (tmp_path / "out").glob("part-*") for line in path.read_text().splitlines()]
    assert {one["hashtag"] for row in rows for one in row["recommendations"]} >= {"Cloud"}
