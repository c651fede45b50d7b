"""The house: what may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "right_hf"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imported(path: Path, everywhere: bool = False) -> set[str]:
    """The modules that a module imports when it is imported itself, or anywhere in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return names


def test_no_module_imports_itself_by_way_of_others() -> None:
    # Imports inside functions count too: what two modules need of each other belongs behind the registry.
    graph = {name: (imported(path, everywhere=True) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    left = dict(graph)
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert not left, {name: sorted(needs & left.keys()) for name, needs in left.items()}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_hides_no_import_and_knows_of_no_experiment(name: str) -> None:
    source = MODULES[name].read_text(encoding="utf-8")
    assert "TYPE_CHECKING" not in source
    roots = {module.split(".")[0] for module in imported(MODULES[name], everywhere=True)}
    assert not roots & {"reproduction", "data_report", "tests", "training"}
    assert len(source.splitlines()) <= 300


def test_the_model_imports_no_module_whose_import_imports_it() -> None:
    # Or a module of ours that begins with such an import would find itself half loaded.
    script = "import sys, right_hf.model; assert 'transformers.models.auto.modeling_auto' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
