"""The page of results: what is said there of things that are gone can be made again."""

from __future__ import annotations

import json
import re

from tests.support.paths import ROOT

_RESULTS = ROOT / "training" / "results"


def test_what_did_not_help_names_the_commit_that_made_its_rows() -> None:
    section = (_RESULTS / "README.md").read_text(encoding="utf-8").split("## What did not help")[1]
    named = re.findall(r"\[rows\]\((\S+)\.md\),\s+commit\s+([0-9a-f]{40})\)", section)
    assert len(named) == section.count("\n- **") == 4
    for rows, commit in named:
        assert json.loads((_RESULTS / f"{rows}.json").read_text(encoding="utf-8"))["commit"] == commit
