"""Virtual environments that hold what some requirements need and nothing else, made without a network.

Of every distribution the files installed here are linked into it, as pip would install them at these versions.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def required(names: Iterable[str]) -> dict[str, Distribution]:
    """The distributions that these requirements need, directly or not."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(name) for name in names]
    done: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in done:
            continue
        done.add(str(requirement))
        extras = ["", *sorted(requirement.extras)]
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        installed = distribution(requirement.name)
        found[installed.metadata["Name"]] = installed
        for text in installed.requires or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                further.marker = None
                waiting.append(further)
    return found


def link(installed: Distribution, site: Path) -> None:
    """Links a distribution's modules and metadata into `site`."""
    files = installed.files or []
    for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
        source = Path(str(installed.locate_file(top)))
        if source.exists() and not (site / top).exists():
            (site / top).symlink_to(source)


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def link_all(names: Iterable[str], site: Path) -> None:
    """Links what these requirements need into `site`, the folder of an environment's packages."""
    for installed in required(names).values():
        link(installed, site)
