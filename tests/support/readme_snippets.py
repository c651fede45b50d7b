"""Runs the README's Python snippets one after another.

Needs nothing but the package and its dependencies: tests/test_wheel.py runs it as a script in a new environment.

    python -m tests.support.readme_snippets README.md    # prints what was pushed as JSON: the files of each repository
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any


def blocks(readme: Path) -> list[tuple[str, str]]:
    """Language and content of each block of code."""
    return re.findall(r"```(\w+)\n(.*?)```", readme.read_text(encoding="utf-8"), flags=re.S)


def run_snippets(readme: Path) -> None:
    """Runs the Python ones in one namespace."""
    namespace: dict[str, Any] = {}
    for language, code in blocks(readme):
        if language == "python":
            exec(compile(code, str(readme), "exec"), namespace)


def main() -> None:
    """Runs them against a Hub on this machine, the only place that the client is told of."""
    from tests.support.loopback_hub import LoopbackHub

    with LoopbackHub().running() as hub:
        # Read when the client is first imported, which is in the snippets.
        os.environ.update(HF_ENDPOINT=hub.endpoint, HF_TOKEN="hf_user", HF_HUB_DISABLE_XET="1")
        assert "huggingface_hub" not in sys.modules
        run_snippets(Path(sys.argv[1]))
        print(json.dumps({name: sorted(repo.paths()) for (_, name), repo in hub.repos.items()}))


if __name__ == "__main__":
    main()
