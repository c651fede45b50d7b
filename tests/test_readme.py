"""Runs every snippet and command of the README: the training commands with a smoke-size recipe and data."""

from __future__ import annotations

import importlib
import json
import os
import re
import runpy
import shlex
from pathlib import Path

import pytest

from right_hf import DEFAULT_CHECKPOINT, BM25Retriever, registry
from right_hf.cli import build_parser, main
from tests.support.command_line import ROOT, run_script
from tests.support.loopback_hub import LoopbackHub
from tests.support.readme_snippets import blocks, run_snippets
from tests.support.smoke_data import write_splits

README = (ROOT / "README.md").read_text(encoding="utf-8")
#: The page of the server, whose snippets ask one: see tests/server/test_documentation.py.
SERVER_PAGE = "right_hf/server/README.md"
#: Every other page of the documentation, and what its snippets push.
PAGES = {
    "README.md": set[str](),
    "right_hf/README.md": set[str](),
    "right_hf/demo/README.md": {"user/hashtags"},
    "right_hf/hub/README.md": {"user/right-en", "user/index", "user/right-small"},
    "right_hf/retriever/README.md": set[str](),
    "right_hf/retriever/lance/README.md": set[str](),
    "training/README.md": set[str](),
    "training/results/README.md": set[str](),
}


def test_readme_opens_with_the_two_commands() -> None:
    lines = [line.strip().split("#")[0].strip() for line in README.splitlines() if line.startswith("    ")]
    assert lines[:2] == ["make run", "make test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^run:.*\n\t.*training/showcase.py", makefile, flags=re.M)
    assert re.search(r"^test:", makefile, flags=re.M)


def test_readme_is_short_and_every_page_is_known() -> None:
    assert len(README.splitlines()) <= 200
    found = {
        path.relative_to(ROOT).as_posix()
        for folder in ("right_hf", "training")
        for path in (ROOT / folder).rglob("*.md")
    }
    pages = {
        page for page in found if page.endswith("README.md") and "checkpoints" not in page and "/metrics/" not in page
    }
    assert {"README.md", *pages} == {SERVER_PAGE, *PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_run(page: str) -> None:
    assert {language for language, _ in blocks(ROOT / page)} <= {"python", "sh", "text", "mermaid", "bibtex"}


@pytest.mark.parametrize("page", [SERVER_PAGE, *PAGES])
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert not missing, missing


@pytest.mark.loopback
@pytest.mark.parametrize("page", PAGES)
def test_python_snippets_run(hub: LoopbackHub, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_REGISTERED", {role: dict(known) for role, known in registry._REGISTERED.items()})
    run_snippets(ROOT / page)
    assert {name for _, name in hub.repos} == PAGES[page]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_splits(tmp_path / "data")
    write_splits(data / "tweets-en")
    judged = {"text": "Fresh bread in the morning", "hashtags": ["bread"], "also": ["baking"], "topic": "food"}
    (data / "everyday-en").mkdir()
    (data / "everyday-en" / "judged.jsonl").write_text(json.dumps(judged) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training" / "results").mkdir(parents=True)
    found = [block for page in PAGES for block in blocks(ROOT / page)]
    commands = [line for language, block in found if language == "sh" for line in block.strip().splitlines()]
    (tmp_path / "posts.txt").write_text("Warm seas\nFresh bread\n", encoding="utf-8")
    surfaces = {"hashtag": "dev ops", "surfaces": {"DevOps": 3, "devops": 2}, "licensed": {"DevOps": 1}}
    (tmp_path / "surfaces.jsonl").write_text(json.dumps(surfaces) + "\n", encoding="utf-8")
    assert len(commands) >= 5
    for line in commands:
        line = re.sub(r"training/configs/llm-lora\.yaml", str(ROOT / "training/configs/smoke-llm.yaml"), line)
        line = re.sub(
            r"training/configs/right-\w+-small\.yaml", str(ROOT / "training/configs/smoke-embedded.yaml"), line
        )
        line = re.sub(r"\bOLD\b", DEFAULT_CHECKPOINT, line)
        line = re.sub(r"training/showcase", str(ROOT / "training/showcase"), line)
        line = re.sub(r"training/configs/(?!smoke)[\w-]+\.yaml", str(ROOT / "training/configs/smoke.yaml"), line)
        program, *command = shlex.split(re.sub(r"\bDATA\b", str(data), line), comments=True)
        if command[:1] in (["demo"], ["serve"]) or command[:2] == ["push", "space"]:  # run by tests of their own
            assert build_parser().parse_args(command).run
            continue
        if program == "right-hf":
            assert main(command) == 0, line
            continue
        if program == "PYTHONPATH=training":  # as for tests, see pyproject.toml
            assert command[:2] == ["python", "-m"]
            importlib.import_module(command[2]).main(command[3:])
            continue
        assert program == "python"
        if command[0].endswith("reproduce.py"):
            command += ["--smoke", "--output", str(tmp_path / "tables")]
        run_script(command, monkeypatch)
    results = (tmp_path / "runs/en/results.json").read_text(encoding="utf-8")
    for system in ("BM25", "Seq2Seq", "RIGHT, generator's answer", "RIGHT, fused"):
        assert f'"{system}"' in results
    assert str(tmp_path) not in results
    assert not [path for path in (tmp_path / "runs/en/checkpoint").rglob("*") if path.suffix in {".bin", ".pt", ".pth"}]
    assert os.listdir(tmp_path / "runs/en/checkpoint")
    index = BM25Retriever.from_pretrained(tmp_path / "runs/en/checkpoint/retriever")
    assert index.corpus.spellings.most_common("dev ops") == "DevOps"


def test_showcase_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_script(["training/showcase.py", "--posts", "12", "--output", str(tmp_path / "shown.txt")], monkeypatch)
    printed = capsys.readouterr().out
    assert printed.count("its author used:") >= 5
    assert "| Seq2Seq" in printed
    shown = (tmp_path / "shown.txt").read_text(encoding="utf-8").strip().split("\n\n")
    assert len(shown) == 12
    assert all(block in printed for block in shown)
    assert sum("#" in block and "its author used:" not in block for block in shown) >= 5


def test_reported_numbers_are_fresh() -> None:
    written = runpy.run_path(str(ROOT / "training" / "report.py"))["rendered"]()
    assert len(written) >= 5
    stale = [path for path, text in written.items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "run python training/report.py"
