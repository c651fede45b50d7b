"""What pip installs: the right files, and every distribution that the package imports."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "right_hf"
MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built from a copy of this tree, with two small files as its checkpoint."""
    tree, output = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    shutil.copytree(PACKAGE, tree / "right_hf", ignore=shutil.ignore_patterns("checkpoints", "__pycache__"))
    for name in ("config.json", "selector/model.safetensors"):
        file = tree / "right_hf" / "checkpoints" / "tweets-en" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"{}")
    for name in ("training/train.py", "tests/test_one.py", "model_cards/card.md", "README.md"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).touch()
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(output)!r})"
    built = subprocess.run([sys.executable, "-c", build], cwd=tree, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    with ZipFile(next(output.glob("*.whl"))) as archive:
        return archive.namelist()


distributions = cache(packages_distributions)

#: Modules that tune an LLM; nothing else imports them before it is asked to do so.
TUNING = {f"right_hf.trainers.{name}" for name in ("llm", "tuning")}

#: Whose modules need the extra "serve".
SERVER = "right_hf.server"

#: Modules that make the page of the demo; imported when it is served.
PAGE = {f"right_hf.demo.{name}" for name in ("page", "suggestions")}

#: Imported by an engine alone, when it converts or loads a network.
CONVERTING = "right_hf.generator.ctranslate2_conversion"


#: Imported when a cluster is to do the work.
CLUSTER = "right_hf.bulk.ray_engine"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def normalised(requirement: str) -> str:
    """The name of the distribution that a requirement asks for, as PEP 503 spells it."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def imports(nodes: Iterator[ast.AST] | list[ast.stmt]) -> set[str]:
    """Top-level names of the modules that are neither the standard library's nor ours."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    roots = {name.split(".")[0] for name in names}
    return roots - set(sys.stdlib_module_names) - {"right_hf"}


def undeclared(modules: set[str], requirements: list[str]) -> set[str]:
    """The modules that no requirement brings, going by what is installed or, failing that, by the name."""
    declared = {normalised(requirement) for requirement in requirements}
    installed = distributions()
    return {
        module for module in modules if not declared & {normalised(name) for name in installed.get(module, [module])}
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_whatever_a_module_imports_is_declared(path: Path, project: dict[str, Any]) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    required, extras = project["dependencies"], project["optional-dependencies"]
    optional = [
        requirement
        for extra in ("zh", "stem", "fast", "train", "llm", "gguf", "serve", "demo", "lance", "ray")
        for requirement in extras[extra]
    ]
    if module_name(path) in TUNING:
        required = required + extras["train"] + extras["llm"]
    if module_name(path).startswith(SERVER):
        required = required + extras["serve"]
    if module_name(path) == CONVERTING:
        required = required + extras["fast"]
    if module_name(path) == CLUSTER:
        required = required + extras["ray"]
    if module_name(path) in PAGE:
        required = required + extras["demo"]
    assert not undeclared(imports(tree.body), required), "imported with the package, so it must be in `dependencies`"
    assert not undeclared(imports(ast.walk(tree)), required + optional), "must be in `dependencies` or an extra"


@pytest.mark.parametrize("some", [TUNING, PAGE], ids=["tuning", "page"])
def test_modules_that_need_an_extra_are_imported_by_one_another_alone(some: set[str]) -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        assert module_name(path) in some or not named & some, path


def test_the_wheel_holds_the_whole_package(wheel: list[str]) -> None:
    assert {path.relative_to(ROOT).as_posix() for path in MODULES} <= set(wheel)
    assert "right_hf/py.typed" in wheel
    page = {name for name in wheel if name.startswith("right_hf/demo/") and not name.endswith(".py")}
    assert page == {f"right_hf/demo/{name}" for name in ("own_corpus.js", "page.css", "page.js", "suggestions.jinja")}


def test_the_wheel_holds_the_embedded_checkpoint(wheel: list[str]) -> None:
    folder = "right_hf/checkpoints/tweets-en"
    assert {f"{folder}/config.json", f"{folder}/selector/model.safetensors"} <= set(wheel)


def test_the_wheel_holds_nothing_else(wheel: list[str]) -> None:
    roots = {name.split("/")[0] for name in wheel}
    assert roots == {"right_hf", next(root for root in roots if root.endswith(".dist-info"))}
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_one_version_everywhere(project: dict[str, Any]) -> None:
    version = project["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    headings = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [str(citation["version"]), headings[0]] == [version, version]
