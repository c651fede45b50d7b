"""Everything that the server's page says is run, but for what needs a container engine or a proxy."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from right_hf.cli import build_parser, main
from right_hf.posts import Post
from right_hf.server import ServerSettings
from right_hf.server.errors import MEANINGS
from tests.conftest import ENGLISH
from tests.support.paths import ROOT
from tests.support.readme_snippets import blocks
from tests.support.server import PAGE, Running, ask_by_curl, documented, running

FILE = ROOT / "right_hf" / "server" / "Containerfile"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """As the page starts it."""
    folder = tmp_path_factory.mktemp("page")
    asked = [Post("e1", "Our Erlang cluster grows to more nodes", ("erlang",)), Post("e2", "Erlang nodes", ("erlang",))]
    lines = [{"id": post.id, "text": post.text, "hashtags": post.hashtags} for post in (*ENGLISH, *asked)]
    (folder / "my-posts.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    commands = next(block for language, block in blocks(PAGE) if language == "sh").strip().splitlines()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(shlex.split(commands[0])[1:]) == 0
    with running(folder / "log", *shlex.split(commands[1])[3:], "--cors", "https://example.org") as server:
        yield server


@pytest.mark.slow
@pytest.mark.loopback
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl(server: Running) -> None:
    one, several, lines, complete, trending, added, replaced, removed, health, metrics = ask_by_curl(server)
    assert json.loads(one)[0]["posted"].startswith("#") and len(json.loads(several)) == 2
    assert [json.loads(line) for line in lines.splitlines()] and lines.count("\n") == 2
    assert json.loads(complete)["hashtags"][0] == {"hashtag": "ClimateChange", "posted": "#ClimateChange", "count": 3}
    assert json.loads(trending) == {"rising": [], "popular": []}
    assert [json.loads(change)["posts"] for change in (added, replaced, removed)] == [15, 15, 14]
    assert json.loads(health)["writable"] is True and "right_hf_requests_total" in metrics


@pytest.mark.slow
@pytest.mark.loopback
def test_python(server: Running, capsys: pytest.CaptureFixture[str]) -> None:
    [snippet] = documented("python", server)
    exec(compile(snippet, "python", "exec"), {})
    assert capsys.readouterr().out.startswith("['#")


@pytest.mark.slow
@pytest.mark.loopback
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")
def test_javascript(server: Running, tmp_path: Path) -> None:
    [snippet] = documented("javascript", server)
    (tmp_path / "ask.mjs").write_text(snippet, encoding="utf-8")
    done = subprocess.run(["node", "ask.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "#" in done.stdout, done.stdout + done.stderr


def test_the_page_knows_every_status_and_default() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = " ".join(re.findall(r"^\| ([\d, ]+) \|", page, flags=re.M))
    assert {*map(str, MEANINGS)} <= set(re.findall(r"\d+", rows))
    for one in fields(ServerSettings):
        if one.name.startswith("max_"):
            shown = "4 MiB" if one.name == "max_body" else f"{one.default:,}"
            assert f"`--{one.name.replace('_', '-')}` ({shown})" in page
    for language, block in blocks(PAGE):
        assert language in {"sh", "curl", "python", "javascript", "text", "nginx", "caddy"}
        if language in ("nginx", "caddy"):
            assert block.count("{") == block.count("}")


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions and what they are given."""
    text = re.sub(r"^#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.M).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_the_container_file_can_be_read_and_keeps_its_promises() -> None:
    found = instructions()
    known = {"FROM", "RUN", "COPY", "ENV", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}
    assert {name for name, _ in found} == known
    last = dict(found[max(row for row, (name, _) in enumerate(found) if name == "FROM") :])
    assert int(last["USER"].split(":")[0]) > 0
    entry = json.loads(last["ENTRYPOINT"])
    assert entry[0] == "right-hf" and build_parser().parse_args(entry[1:]).port == 8000
    assert json.loads(last["HEALTHCHECK"].partition("CMD ")[2])[0] == "python"
    for name, given in found:
        if name == "COPY" and "--from" not in given:
            assert all((ROOT / source).exists() for source in given.split()[:-1])


@pytest.mark.slow
def test_docker_finds_nothing_wrong_with_it() -> None:
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("there is no container engine")
    command = ["docker", "build", "--check", "-f", str(FILE), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
